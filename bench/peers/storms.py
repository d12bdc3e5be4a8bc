"""Runs floodgate-storm, in several processes where one has too few descriptors, and merges what they
tell: counters are added up, latencies are the worst of the processes' (a percentile of the whole is
never above that)."""
import json
import math
import resource
import signal
import subprocess
import time

from servers import LOAD_CORE, BenchError

AGENTS_PER_PROCESS_MAX = 19_900  # 20,000 descriptors a process, less what it needs itself
ENDLESS = 1_000_000_000          # attempts
GRACE_SECONDS = 90               # past a storm's own end, before it counts as stuck
# The storm was the limit, not the server, if it had so much of its core, or began arrivals so late, or
# had nobody free for so many of them.
BUSY_SHARE, LATE_MS, MISSED_SHARE = 0.9, 100, 0.01


def split(total, parts):
    """`total` as `parts` integers that differ by at most one."""
    return [total // parts + (1 if index < total % parts else 0) for index in range(parts)]


def processes_for(agents):
    return max(1, math.ceil(agents / AGENTS_PER_PROCESS_MAX))


def merge_row(rows):
    """One row of the time line out of the same interval of several processes."""
    merged = {}
    for row in rows:
        for key, value in row.items():
            if value is None:  # A latency, and nobody was served.
                merged.setdefault(key, None)
            elif key == "t_s" or key.endswith("_ms"):
                merged[key] = value if merged.get(key) is None else max(value, merged[key])
            else:
                merged[key] = merged.get(key, 0) + value
    return merged


def merge_timelines(timelines):
    """Row by row; a process that ended early has nothing more to add."""
    longest = max((len(line) for line in timelines), default=0)
    return [merge_row([line[index] for line in timelines if index < len(line)])
            for index in range(longest)]


ADDED = ("agents", "agents_faulty", "agents_served", "agents_unserved", "attempts", "retries",
         "connected", "closed_while_held", "bytes_received", "open_max", "cpu_s", "cpu_user_s",
         "cpu_system_s", "cpu_share", "resident_kib_max", "goodput_per_s", "arrivals_missed")
LATEST = ("elapsed_s", "until_last_served_s", "until_last_ended_s")


def merge(results):
    """One result out of those of several processes that ran at the same time. `open_max` is an upper
    bound then: the processes need not have had their most at the same moment."""
    if len(results) == 1:
        return results[0]
    merged = {key: sum(result[key] for result in results) for key in ADDED if key in results[0]}
    merged.update({key: max(result[key] for result in results) for key in LATEST})
    merged["first_error"] = next((r["first_error"] for r in results if r.get("first_error")), "")
    for group in ("outcomes", "handshakes"):
        merged[group] = {key: sum(result[group][key] for result in results)
                         for key in results[0][group]}
    merged["latency_ms"] = {phase: merge_latency([r["latency_ms"][phase] for r in results])
                            for phase in results[0]["latency_ms"]}
    if "timeline" in results[0]:
        merged["timeline"] = merge_timelines([result["timeline"] for result in results])
    return merged


def merge_latency(rows):
    count = sum(row["count"] for row in rows)
    merged = {"count": count,
              "min": min((row["min"] for row in rows if row["count"]), default=0),
              "mean": sum(row["mean"] * row["count"] for row in rows) / count if count else 0}
    merged.update({key: max(row[key] for row in rows) for key in ("p50", "p90", "p99", "max")})
    return merged


class Storm:
    """Storm processes that run at the same time, against one port. `started` is now() at
    the start of the first; results() waits for them and adds `ended`, that of the end of the last."""

    def __init__(self, bench, port, argument_lists, urgent=False):
        self.processes = []
        prefix = (["chrt", "-f", "10"] if urgent else []) + ["taskset", "-c", LOAD_CORE]
        self.started = time.monotonic()
        for arguments in argument_lists:
            command = [*prefix, bench.tool("tools/storm/floodgate-storm"), "--json", *arguments,
                       f"127.0.0.1:{port}"]
            self.processes.append(subprocess.Popen(command, stdout=subprocess.PIPE,
                                                   stderr=subprocess.PIPE, text=True))

    def running(self):
        return any(process.poll() is None for process in self.processes)

    def interrupt(self):
        """They stop now, and still tell what they found."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)

    def results(self, seconds_max):
        deadline = time.monotonic() + seconds_max + GRACE_SECONDS
        found = []
        try:
            for process in self.processes:
                out, errors = process.communicate(timeout=max(1, deadline - time.monotonic()))
                if process.returncode != 0:
                    raise BenchError(f"{' '.join(process.args)}: {errors.strip()}")
                found.append(json.loads(out))
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{' '.join(error.cmd)} does not come to an end") from error
        finally:
            self.kill()
        merged = merge(found)
        merged["processes"] = len(found)
        merged["ended"] = time.monotonic()
        return merged

    def kill(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def run(bench, port, *arguments, seconds_max=180, urgent=False):
    """One process, to its end."""
    with Storm(bench, port, [list(arguments)], urgent) as storm:
        return storm.results(seconds_max)


def open_loop(bench, port, rate, agents, arguments, attempts=ENDLESS, interval="500ms", block=10):
    """Agents that arrive by chance (Poisson), `rate` a second in all, from 254 sources a process:
    127.`block`.0.0/24 and the blocks after it. `agents`: room for those that are there at a time.
    `attempts`: arrivals end after so many; by default they go on until the storm's --duration. (Agents
    that are done arrive again, as somebody else: that is what --attempts asks for.)"""
    count = processes_for(agents)
    lists = []
    for index, (room, part) in enumerate(zip(split(agents, count), split(attempts, count))):
        lists.append(["--mode", "https", "--arrivals", "poisson", "--rate", f"{rate / count:.3f}",
                      "--agents", str(room), "--sources", f"127.{block + index}.0.0/24",
                      "--seed", str(block + index), "--interval", interval,
                      "--attempts", str(part), *arguments])
    return Storm(bench, port, lists)


def now():
    return time.monotonic()


def wait_until(moment):
    """`moment` as now() tells it."""
    time.sleep(max(0.0, moment - now()))


def was_busy(results):
    """Its figures are partly about the storm itself."""
    return (results["cpu_share"] >= BUSY_SHARE
            or results["latency_ms"].get("arrival_late", {}).get("p99", 0) > LATE_MS
            or results.get("arrivals_missed", 0) > MISSED_SHARE * results["attempts"])


def lost(results):
    """Attempts that failed for reasons of the storm's own."""
    outcomes = results["outcomes"]
    return outcomes.get("no_port", 0) + outcomes.get("error", 0)


def raise_descriptor_limit():
    """For this program and all that it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
