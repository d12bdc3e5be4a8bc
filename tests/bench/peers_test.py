#!/usr/bin/env python3
"""Tests of what bench/peers makes of figures: merging storms, windows, the store, the document."""
import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "bench", "peers")
sys.path.insert(0, PEERS)

import document
import figures
import fleet
import goodput
import plan
import predicted
import recovery
import servers
import storms
import tables


def interval(t_s, arrived=10, served=10, p99=5.0):
    return {"t_s": t_s, "arrived": arrived, "attempts": arrived, "served": served, "open": 1,
            "served_p50_ms": p99 / 2, "served_p99_ms": p99}


def latency(count, worst):
    return {"count": count, "min": 1.0 if count else 0, "mean": worst / 2, "p50": worst / 2, "p90": worst,
            "p99": worst, "max": worst}


def result(served, timeline, worst=10.0, cpu_share=0.4, elapsed_s=5.0):
    return {"agents": 100, "agents_served": served, "attempts": served + 5, "cpu_share": cpu_share,
            "elapsed_s": elapsed_s, "until_last_served_s": elapsed_s - 1, "until_last_ended_s": elapsed_s,
            "first_error": "", "arrivals_missed": 0, "handshakes": {"full": served, "resumed": 0},
            "outcomes": {"served": served, "patience_in_connect": 5, "no_port": 1, "error": 2},
            "latency_ms": {"served": latency(served, worst)}, "timeline": timeline}


class Merging(unittest.TestCase):
    def test_counters_add_up_and_latencies_are_the_worst(self):
        merged = storms.merge([result(10, [interval(0.0, p99=5.0), interval(0.5)], worst=10.0),
                               result(20, [interval(0.0, p99=9.0)], worst=30.0, elapsed_s=6.0)])
        self.assertEqual(merged["outcomes"]["served"], 30)
        self.assertEqual(merged["attempts"], 40)
        self.assertEqual(merged["elapsed_s"], 6.0)
        self.assertAlmostEqual(merged["cpu_share"], 0.8)
        self.assertEqual(merged["latency_ms"]["served"]["p99"], 30.0)
        self.assertAlmostEqual(merged["latency_ms"]["served"]["mean"], (10 * 5 + 20 * 15) / 30)
        self.assertEqual([row["t_s"] for row in merged["timeline"]], [0.0, 0.5])
        self.assertEqual(merged["timeline"][0]["served"], 20)
        self.assertEqual(merged["timeline"][0]["served_p99_ms"], 9.0)
        self.assertEqual(merged["timeline"][1]["served"], 10)
        self.assertEqual(storms.lost(merged), 6)

    def test_a_process_that_served_nobody_does_not_lower_the_least(self):
        merged = storms.merge([result(0, [], worst=0.0), result(4, [])])
        self.assertEqual(merged["latency_ms"]["served"]["min"], 1.0)
        nobody = storms.merge([result(0, [], worst=0.0), result(0, [], worst=0.0)])
        self.assertEqual(nobody["latency_ms"]["served"]["mean"], 0)

    def test_an_interval_in_which_one_process_served_nobody(self):
        nobody = interval(0.0, served=0, p99=0) | {"served_p50_ms": None, "served_p99_ms": None}
        for lines in ([[nobody], [interval(0.0)]], [[interval(0.0)], [nobody]]):
            self.assertEqual(storms.merge_timelines(lines)[0]["served_p99_ms"], 5.0)
        self.assertIsNone(storms.merge_timelines([[nobody], [nobody]])[0]["served_p99_ms"])
        self.assertIsNone(recovery.recovered_after([nobody] * 8, 10))

    def test_two_processes_that_share_a_core_are_busy_together(self):
        merged = storms.merge([result(1, [], cpu_share=0.46), result(1, [], cpu_share=0.46)])
        self.assertTrue(storms.was_busy(merged))
        self.assertFalse(storms.was_busy(result(1, [], cpu_share=0.46)))
        late, missed = result(100, []), result(100, [])
        late["latency_ms"]["arrival_late"] = latency(100, 101.0)
        missed["arrivals_missed"] = 2
        self.assertTrue(storms.was_busy(late))
        self.assertTrue(storms.was_busy(missed))

    def test_agents_are_split_over_as_few_processes_as_have_room(self):
        self.assertEqual(storms.processes_for(0), 1)
        self.assertEqual(storms.processes_for(19_900), 1)
        self.assertEqual(storms.processes_for(19_901), 2)
        self.assertEqual(storms.split(10, 3), [4, 3, 3])


class Windows(unittest.TestCase):
    def test_goodput_counts_whole_intervals_of_the_window_alone(self):
        timeline = [interval(0.5 * index, served=index) for index in range(9)]  # the last: cut short
        share, counts = goodput.goodput_of(timeline, 2, 4, 0.5, capacity_per_second=20)
        self.assertEqual(counts["served"], 4 + 5 + 6 + 7)
        self.assertEqual(counts["window_s"], 2.0)
        self.assertAlmostEqual(share, 22 / 40)

    def test_a_storm_that_ended_before_its_window_has_no_goodput(self):
        with self.assertRaises(servers.BenchError):
            goodput.goodput_of([interval(0.0)], 2, 4, 0.5, 20)

    def test_room_for_agents_grows_with_patience_and_retries_but_not_past_the_storm(self):
        self.assertEqual(goodput.agents_needed(1000, "1s", "none", 15), 1450)
        self.assertEqual(goodput.agents_needed(1000, "1s", "immediate", 15), 3750)
        self.assertEqual(goodput.agents_needed(1000, "10s", "immediate", 20), 23300)

    def test_recovery_begins_with_the_first_lasting_interval(self):
        times = [0.5 * index for index in range(9)]
        waits = [90, 90, 5, 90, 90, 5, 5, 50, 5]
        timeline = [interval(t, p99=wait) for t, wait in zip(times, waits)]
        self.assertEqual(recovery.recovered_after(timeline, 10), 2.5, "one bad half second is chance")
        self.assertIsNone(recovery.recovered_after(timeline[:8], 4))
        self.assertIsNone(recovery.recovered_after(timeline[:5], 10))
        few = [interval(t, served=5) for t in times]
        self.assertIsNone(recovery.recovered_after(few, 10), "half of those who came were not served")

    def test_idle_wait_is_the_median_without_the_first_second(self):
        timeline = [interval(0.0, p99=99), interval(0.5, p99=99), interval(1.0, p99=4),
                    interval(1.5, p99=6), interval(2.0, p99=50)]
        self.assertEqual(recovery.idle_p99(timeline), 6)

    def test_a_fleet_is_timed_from_the_signal(self):
        told = {**result(100, []), "time_to_99_percent_s": 0.3, "time_to_all_s": 0.35}
        told["outcomes"].update(dict.fromkeys(fleet.RESETS, 1))
        row = fleet.after_signal(told, 0.1, 100)
        self.assertAlmostEqual(row["time_to_99_percent_s"], 0.2)
        self.assertAlmostEqual(row["time_to_all_s"], 0.25)
        self.assertEqual(row["reset"], 3)
        told["time_to_all_s"] = None
        self.assertIsNone(fleet.after_signal(told, 0.1, 100)["time_to_all_s"])


class Store(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "figures.json")

    def test_a_row_replaces_its_like_and_keeps_all_others(self):
        store = figures.Figures(self.path)
        store.put("work/full/nginx", {"value": 1})
        store.put("work/full/Hitch", {"value": 2})
        again = figures.Figures(self.path)
        again.put("work/full/nginx", {"value": 3})
        last = figures.Figures(self.path)
        self.assertEqual({key: row["value"] for key, row in last.rows.items()},
                         {"work/full/nginx": 3, "work/full/Hitch": 2})
        self.assertEqual(last.part("work")[("full", "Hitch")]["value"], 2)
        self.assertEqual(os.listdir(self.directory.name), ["figures.json"])

    def test_another_format_is_refused(self):
        with open(self.path, "w", encoding="utf-8") as out:
            json.dump({"format": 99, "rows": {}}, out)
        with self.assertRaisesRegex(ValueError, "format 99"):
            figures.Figures(self.path)

    def test_a_key_has_no_separator_in_a_part(self):
        self.assertEqual(figures.key_of("goodput", "1s", 1.3), "goodput/1s/1.3")
        with self.assertRaises(ValueError):
            figures.key_of("goodput", "a/b")

    def test_missing_leaves_out_what_was_measured_but_not_what_was_only_tried(self):
        point = plan.Point("work/full", 1, None)
        rows = {"work/full/nginx": {"value": 1}, "work/fuller": {"quick": True}}
        self.assertFalse(plan.Options(missing=True).wants(point, rows))
        self.assertTrue(plan.Options().wants(point, rows))
        self.assertTrue(plan.Options(missing=True).wants(plan.Point("work/fuller", 1, None), rows))
        self.assertFalse(plan.Options(only=("bulk",)).wants(point, rows))
        self.assertTrue(plan.Options(only=("work/f*",)).wants(point, rows))


def canned():
    """A few rows of each part."""
    def row(**values):
        return {**values, "measured": "2026-01-02 03:04", "commit": "0123abcd"}
    rows = {
        "machine/this": row(cores=2, processor="Some CPU", kernel="6.1", openssl="OpenSSL 3.0",
                            peers=["HAProxy 2.6", "nginx 1.22", "Hitch 1.7"]),
        "capacity/floodgate": row(value=200.0), "capacity/nginx": row(value=210.0),
        "work/full/floodgate": row(value=400.0, unit="us"), "work/full/nginx": row(value=500.0, unit="us"),
        "work/full/HAProxy": row(value=800.0, unit="us"),
        "controller/storm/20/floodgate": row(p50_ms=1.0, p99_ms=2.5, max_ms=3.0, served=300, attempts=300, agents_served=4000,
                                             storm_busy=False),
        "recovery/1s/floodgate": row(seconds=0.5, seconds_max=45, storm_busy=False),
        "recovery/1s/HAProxy": row(seconds=None, seconds_max=45, storm_busy=False),
        "fleet/1s-immediate-park/floodgate": row(time_to_99_percent_s=25.0, time_to_all_s=None, served=4999,
                                                 reset=0, attempts=300000),
        "predicted/1s/none/10": row(goodput=0.99),
        "steps/gate": row(text="Gate   12 ns"),
    }
    for server, share, busy in (("nginx", 0.39, False), ("floodgate", 0.9, True)):
        rows[f"goodput/1s/none/10/{server}"] = row(goodput=share, storm_busy=busy)
    rows["goodput/1s/none/1.3/floodgate"] = row(goodput=0.98, storm_busy=False)
    return rows


class Document(unittest.TestCase):
    def write(self, rows):
        with tempfile.TemporaryDirectory() as directory:
            store = figures.Figures(os.path.join(directory, "figures.json"))
            store.rows = rows
            return document.document(store)

    def test_tables_hold_the_figures_in_the_order_of_the_servers(self):
        text = self.write(canned())
        self.assertIn("| server | retry | 1.3× | 10× |", text)
        self.assertIn("| floodgate | none | 0.98 | 0.90 † |\n| nginx | none |  | 0.39 |", text)
        self.assertIn("| work | floodgate | HAProxy | nginx | floodgate / best peer |", text)
        self.assertIn("(us) | 400.00 | 800.00 | 500.00 | 0.80 |", text)
        self.assertIn("| HAProxy | over 45 |", text)
        self.assertIn("| 1s | none | 10× | 0.99 | 0.90 | 1.10 |", text)
        self.assertIn("| floodgate | park | 1 s | immediate | 25.0 | – | 4,999 | 0 | 300,000 |", text)
        self.assertIn("| floodgate | storm | 20 | 1.00 | 2.50 | 3.00 | 300 of 300 | 4,000 |", text)
        self.assertIn("Gate   12 ns", text)
        self.assertIn("Measured 2026-01-02 at commit 0123abcd.", text)
        self.assertNotIn("quick run", text)

    def test_a_part_without_figures_says_so(self):
        text = self.write({})
        self.assertEqual(text.count("Not measured in this version."), 7)
        self.assertTrue(text.startswith("# Benchmarks\n"))

    def test_rows_of_a_quick_run_are_told_apart(self):
        rows = canned()
        rows["recovery/1s/floodgate"]["quick"] = True
        rows["fleet/1s-immediate-park/floodgate"]["disturbed"] = True
        text = self.write(rows)
        self.assertEqual(text.count("quick run"), 1)
        self.assertEqual(text.count("something else ran"), 1)

    def test_a_table_has_a_cell_for_each_head(self):
        with self.assertRaises(ValueError):
            tables.render(["a", "b"], [["1"]])
        self.assertEqual(tables.number(None, 1), "–")
        self.assertEqual(tables.ordered({"b", "z", "a"}, ["b", "a"]), ["b", "a", "z"])


class Program(unittest.TestCase):
    def run_it(self, *arguments):
        return subprocess.run([sys.executable, "-B", os.path.join(PEERS, "run"), *arguments],
                              capture_output=True, text=True, check=False)

    def test_show_writes_the_document_from_the_figures_alone(self):
        with tempfile.TemporaryDirectory() as directory:
            source, out = os.path.join(directory, "f.json"), os.path.join(directory, "out.md")
            with open(source, "w", encoding="utf-8") as file:
                json.dump({"format": figures.FORMAT, "rows": canned()}, file)
            done = self.run_it("show", "--json", source, "--out", out)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(out, encoding="utf-8") as file:
                self.assertIn("## Goodput under overload", file.read())

    def test_unknown_parts_and_servers_are_named(self):
        done = self.run_it("--estimate", "--parts", "goodput,nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no nonsense", done.stderr)

    def test_the_estimate_counts_what_would_be_measured(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.run_it("--estimate", "--parts", "goodput", "--only", "goodput/1s/none",
                               "--servers", "nginx", "--json", os.path.join(directory, "f.json"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"goodput\s+6 points")

    def test_a_port_that_is_taken_is_refused(self):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            self.assertFalse(servers.is_free(taken.getsockname()[1]))
        self.assertTrue(servers.is_free(servers.free_port()))

    def test_predictions_are_found_by_their_point(self):
        answer = {"capacity_per_second": 220.0, "runs": [
            {"patience": "500ms/30s", "retry": "none", "load": 10.0, "goodput": 0.97},
            {"patience": "1s", "retry": "immediate", "load": 0.5, "goodput": 1.0}]}
        rows = predicted.rows_of(answer)
        for patience in goodput.PATIENCES:
            self.assertEqual(predicted.ours(predicted.theirs(patience)), patience)
        self.assertEqual(predicted.ours("exp 1s"), "exp:1s")
        self.assertEqual(rows[("mix:500ms,30s", "none", "10")]["goodput"], 0.97)
        self.assertEqual(rows[("1s", "immediate", "0.5")]["goodput"], 0.5)


if __name__ == "__main__":
    unittest.main()
