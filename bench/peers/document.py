"""Writes docs/benchmarks.md, whole, from the figures: text in, text out. Each table says how it was
measured; a part that was not measured says so."""
import textwrap

import fleet
import goodput
import recovery
import tables
import works
from figures import key_of
from servers import PEERS, SERVERS
from tables import number, render

BUSY_MARK = " †"


def server_order(names):
    return [name for name in SERVERS if name in names]


def when(rows):
    """Of these rows: day and commit, and whether any is of a quick run."""
    days = sorted({row["measured"][:10] for row in rows if "measured" in row})
    commits = sorted({row["commit"] for row in rows if row.get("commit")})
    text = "Measured " + (" to ".join(sorted({days[0], days[-1]})) if days else "at an unknown time")
    if commits:
        text += " at commit " + ", ".join(commits)
    if any(row.get("quick") for row in rows):
        text += ". **Holds rows of a quick run, which are no measurement**"
    if any(row.get("disturbed") for row in rows):
        text += ". **Holds rows measured while something else ran on the machine**"
        if all(row.get("realtime") for row in rows if row.get("disturbed")):
            text += ("; servers and load had real-time priority (`chrt -r`), and all else the time "
                     "that they left")
    return text + "."


def section(title, how, rows, body):
    """`rows`: all figures of the section; without any there is no table to show."""
    lines = [f"## {title}", "", *textwrap.wrap(" ".join(how), 100), ""]
    if not rows:
        return lines + ["Not measured in this version.", ""]
    return lines + [*body(), when(rows.values()), ""]


def header(figures):
    lines = ["# Benchmarks", "",
             "Written by `bench/peers/run show` from `bench/peers/figures.json`; `tools/bench` measures",
             "everything again. One machine, one day: compare only within a table, and read ratios within",
             "10 % as equal. Server and load share two cores: absolute rates say little about other machines.",
             ""]
    machine = figures.rows.get(key_of("machine", "this"))
    if machine:
        lines += [f"Machine: {machine['cores']} cores, {machine['processor']}, Linux {machine['kernel']}, "
                  f"{machine['openssl']}. Peers: {', '.join(machine['peers'])}.", ""]
    return lines + [
        "The server under test has core 1 to itself and one worker; its backend, which answers with a few",
        "bytes, and all load have core 0. Peers are configured as one would in production: one thread, a",
        "backlog of 4096, room for 9,000 connections, Debian's time-outs (`bench/peers/servers.py` has every",
        "line). floodgate sends a PROXY v2 header to the backend; the peers are not asked to.", ""]


# --- Goodput -----------------------------------------------------------------------------------------

GOODPUT_HOW = [
    "Under overload it does not matter how much a server does, but how much of it reaches a client that is",
    "still there. The certificate is RSA-4096, so that a handshake costs the server some 4.4 ms. New agents",
    "arrive by chance (Poisson) at so many times the server's *capacity*: requests a second over new",
    "connections in a closed loop of eight agents. Each connects, makes a full TLS handshake, asks once, and",
    "leaves when its patience is over. Goodput is the number of answers that came within the patience, in a",
    "window after a warm-up longer than the patience, divided by what the capacity allows in that window: at",
    "0.5× the most is 0.50, from 1× on 1.00 (chance can give a little more). The speed of this machine drifts by",
    f"a fifth within minutes. So each cell has a capacity of its own, measured for {goodput.NEARBY_SECONDS} s before its storm, with",
    "floodgate also after it (the mean counts); rows from before 2026-11-30 21:00 have that of the first table.",
    "`exp:1s` is an exponential patience with",
    "mean 1 s, `mix:500ms,30s` half of the agents each. Agents that retry make at most "
    f"{goodput.ATTEMPTS_MAX} attempts, at",
    "once or after a random delay (full jitter); load counts new agents, so retries come on top of it.",
    "Windows (after warm-up): " + ", ".join(f"{name} {window} s ({warm} s)" for name, (warm, window)
                                            in goodput.PATIENCES.items()) + ". One run a cell.",
    "† marks cells in which the load generator was out of CPU: the server saw less than the column says."]


def capacity_lines(figures):
    rows = figures.part("capacity")
    names = server_order({name for (name,) in rows})
    return render(["", *names],
                  [["requests a second, closed loop of 8"] + [number(rows[(n,)]["value"], 1) for n in names]])


def goodput_cell(row):
    return number(row["goodput"], 2) + (BUSY_MARK if row["storm_busy"] else "") if row else ""


def goodput_tables(rows):
    lines = []
    for patience in tables.ordered({key[0] for key in rows}, goodput.PATIENCES):
        here = {key[1:]: row for key, row in rows.items() if key[0] == patience}
        loads = sorted({key[1] for key in here}, key=float)
        body = [[server, retry] + [goodput_cell(here.get((retry, load, server))) for load in loads]
                for retry in tables.ordered({key[0] for key in here}, goodput.RETRIES)
                for server in server_order({key[2] for key in here if key[0] == retry})]
        lines += [f"### Patience {patience}", "",
                  *render(["server", "retry"] + [f"{load}×" for load in loads], body), ""]
    return lines


def goodput_section(figures):
    rows = figures.part("goodput")
    return section("Goodput under overload", GOODPUT_HOW, rows,
                   lambda: [*capacity_lines(figures), "", *goodput_tables(rows)])


def predicted_section(figures):
    rows = figures.part("predicted")
    how = ["`floodgate-sim overload` runs floodgate's own code against a simulated kernel, clock and agents. Its",
           "goodput for the same points, beside that of the sockets above; the ratio is predicted by measured.",
           f"Its agents retry without end, those above make {goodput.ATTEMPTS_MAX} attempts."]

    def body():
        measured = figures.part("goodput")
        cells = []
        for key in sorted(rows, key=lambda k: (list(goodput.PATIENCES).index(k[0])
                                               if k[0] in goodput.PATIENCES else 99,
                                               goodput.RETRIES.index(k[1]), float(k[2]))):
            real = measured.get((*key, "floodgate"))
            value, said = rows[key]["goodput"], real["goodput"] if real else None
            cells.append([*key[:2], f"{key[2]}×", number(value, 2), number(said, 2),
                          number(value / said, 2) if said else ""])
        return [*render(["patience", "retry", "load", "predicted", "measured", "ratio"], cells), ""]
    return section("Predicted and measured", how, rows, body)


# --- The gate, the controllers, afterwards -----------------------------------------------------------

def controller_section(figures):
    rows = figures.part("controller")
    how = ["Connect and TLS handshake (RSA-4096) on a second port, from evenly spaced controllers, while nothing",
           "else happens and while agents storm the first port at 10× the capacity (patience 1 s, immediate",
           "retries). The probe runs by real-time priority, so that it does not wait for the load on its core.",
           "floodgated has the port by design; the others have a second listening address on the same thread.",
           "Latencies are of those that were served within 10 s; the last columns tell how many were, and how",
           "many agents meanwhile: controllers should not be paid for with the agents' service, nor agents with",
           "theirs."]

    def body():
        cells = []
        for what in ("idle", "storm"):
            for rate in sorted({key[1] for key in rows}, key=int):
                for server in server_order({key[2] for key in rows}):
                    row = rows.get((what, rate, server))
                    if row:
                        mark = BUSY_MARK if row.get("storm_busy") else ""
                        cells.append([server, what + mark, rate, number(row["p50_ms"], 2),
                                      number(row["p99_ms"], 2), number(row["max_ms"], 2),
                                      f"{row['served']} of {row['attempts']}",
                                      f"{row['agents_served']:,}" if "agents_served" in row else ""])
        return [*render(["server", "agents", "controllers a second", "p50, ms", "p99, ms", "max, ms",
                         "controllers served", "agents served"], cells), ""]
    return section("Controllers during a storm", how, rows, body)


def recovery_section(figures):
    rows = figures.part("recovery")
    how = [f"Agents arrive at 10× the capacity for {recovery.OVERLOAD_SECONDS} s and do not retry; those who wait at "
           "its end go on to wait. Then new",
           "agents arrive at 0.5×. Seconds until these wait no longer than twice what they did before the overload:",
           "the first half second with a p99 of at most that, from which over "
           f"{recovery.SETTLED_INTERVALS * goodput.INTERVAL_SECONDS:g} s the median of the half seconds' p99 is,",
           "too, and at least 90 % as many are served as arrive. In brackets the same from when the last of the",
           "overload has left: until then there are more agents than can be served."]

    def cell(patience, row):
        if row is None:
            return ""
        seconds = row["seconds"]
        mark = BUSY_MARK if row["storm_busy"] else ""
        if seconds is None:
            return f"over {row['seconds_max']}{mark}"
        return f"{number(seconds, 1)} ({number(max(0, seconds - goodput.WAITS[patience]), 1)}){mark}"

    def body():
        patiences = tables.ordered({key[0] for key in rows}, recovery.RECOVERY_PATIENCES)
        cells = [[server] + [cell(patience, rows.get((patience, server))) for patience in patiences]
                 for server in server_order({key[1] for key in rows})]
        return [*render(["seconds, by patience"] + patiences, cells), ""]
    return section("Recovery after an overload", how, rows, body)


def fleet_section(figures):
    rows = figures.part("fleet")
    how = [f"{fleet.AGENTS:,} agents from {fleet.SOURCES} addresses connect at once to a shut gate, which opens "
           f"after {fleet.GATE_SECONDS} s by a signal. `park`",
           "leaves them in the kernel's queue; `refuse` does not listen until then, which is what Juju does. Seconds",
           "from the signal. RSA-4096: serving 5,000 takes 5,000 / capacity seconds at best. Agents that are refused",
           "and retry at once try again as fast as their core can."]

    def body():
        cells = []
        for case in tables.ordered({key[0] for key in rows}, [case[0] for case in fleet.CASES]):
            _, patience, retry, hold = next(c for c in fleet.CASES if c[0] == case)
            for server in server_order({key[1] for key in rows if key[0] == case}):
                row = rows[(case, server)]
                cells.append([server, hold, f"{patience} s", retry,
                              number(row["time_to_99_percent_s"], 1), number(row["time_to_all_s"], 1),
                              f"{row['served']:,}", f"{row['reset']:,}", f"{row['attempts']:,}"])
        return [*render(["server", "gate", "patience", "retry", "to 99 %, s", "to all, s", "served", "reset",
                         "attempts"], cells), ""]
    return section("A fleet before a shut gate", how, rows, body)


# --- Work and steps ----------------------------------------------------------------------------------

def work_lines(rows):
    names = server_order({key[1] for key in rows})
    body = []
    for work in tables.ordered({key[0] for key in rows}, works.WORKS):
        here = {key[1]: row for key, row in rows.items() if key[0] == work}
        peers = [here[name]["value"] for name in PEERS if name in here]
        ratio = here["floodgate"]["value"] / min(peers) if peers and "floodgate" in here else None
        meaning = works.WORKS[work][0] if work in works.WORKS else work
        unit = next(iter(here.values()))["unit"]
        body.append([f"{meaning} ({unit})"] +
                    [number(here[name]["value"], 2) if name in here else "" for name in names] +
                    [number(ratio, 2)])
    return render(["work", *names, "floodgate / best peer"], body)


def work_section(figures):
    rows = figures.part("work")
    how = ["CPU time of the server (all its processes) for one connection; medians. Not under overload: 16 agents",
           "at a time (refusals: 64), ECDSA P-256. The bare server answers by itself and has no backend: it is the",
           "floor. \"Closed at once by the client\": floodgate sees that nobody is there any more and asks no",
           "backend, the others do. Refusals: a source that goes on is refused by the kernel at its SYN",
           "(`limits.refuse_in_kernel`), which no peer does; the row after it is without that. Bulk: floodgate",
           "splices what is plain. Memory is the growth of resident memory over 5,000 idle connections."]
    return section("Work for a connection", how, rows, lambda: [*work_lines(rows), ""])


def steps_section(figures):
    rows = figures.part("steps")

    def body():
        lines = []
        for (program,), row in rows.items():
            lines += [f"### {program}_bench", "", "```", row["text"], "```", ""]
        return lines
    return section("Each step of the way", ["Google Benchmark, within one process (`bench/*_bench`)."], rows, body)


def document(figures):
    lines = header(figures)
    for part in (goodput_section, predicted_section, controller_section, recovery_section, fleet_section,
                 work_section, steps_section):
        lines += part(figures)
    return "\n".join(lines).rstrip() + "\n"
