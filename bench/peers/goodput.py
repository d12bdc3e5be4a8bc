"""Goodput: of what one core can serve, how much still reaches a client that is there to receive it.

The server has an RSA-4096 certificate, which makes its handshake cost about 4.4 ms and the client's
0.5 ms, so that one core of load can offer ten times what the server can do."""
import functools
import statistics

import servers
import storms
from figures import key_of
from plan import RESTART_SECONDS, Point, median_row, outcomes_that_happened

# By patience: (warm-up, window) in seconds. The warm-up is longer than anybody's patience, so that the
# window sees the lasting state, not its beginning.
PATIENCES = {"300ms": (4, 9), "1s": (5, 10), "exp:1s": (6, 10), "10s": (16, 18), "mix:500ms,30s": (32, 12)}
# Mean seconds that an agent waits when nobody is served: for the number of agents there at a time.
WAITS = {"300ms": 0.3, "1s": 1.0, "exp:1s": 1.0, "10s": 10.0, "mix:500ms,30s": 15.25}
QUICK_PATIENCES = {"300ms": (2, 3), "1s": (2, 3)}
IDLE_SHARE = 0.7  # of the longest wait for an idle server, on average, for the estimate
RETRIES = ["none", "immediate", "full-jitter"]
ATTEMPTS_MAX = 3  # of one agent that retries: else the load would grow for ever
JITTER_SECONDS = 1
LOADS = [0.5, 1, 1.3, 2.5, 5, 10]
QUICK_LOADS = [1, 10]
INTERVAL_SECONDS = 0.5
CAPACITY_SECONDS = 4
CAPACITY_ROUNDS = 3
NEARBY_SECONDS = 3  # of a closed loop before a storm, and after it
SERVERS = servers.OURS + servers.PEERS


def start(bench, server, **arguments):
    return servers.SERVERS[server](bench, tls="rsa4096", **arguments)


# --- Capacity: a closed loop -------------------------------------------------------------------------

def closed_loop(bench, port, seconds):
    """Requests a second over new connections, eight agents at a time."""
    results = storms.run(bench, port, "--mode", "https", "--agents", "64", "--concurrency", "8",
                         "--attempts", str(storms.ENDLESS), "--duration", f"{seconds}s",
                         "--close-by-reset")
    return results["outcomes"]["served"] / results["elapsed_s"]


def measure_capacity(server, key, quick, bench, _figures):
    """The median of three closed loops."""
    seconds = 2 if quick else CAPACITY_SECONDS
    with start(bench, server) as running:
        samples = [closed_loop(bench, running.port, seconds)
                   for _ in range(1 if quick else CAPACITY_ROUNDS)]
    return {key: {**median_row(samples), "seconds": seconds}}


def capacity_points(options, names=tuple(SERVERS)):
    seconds = RESTART_SECONDS + (2 if options.quick else CAPACITY_SECONDS * CAPACITY_ROUNDS)
    return [Point(key_of("capacity", server), seconds,
                  functools.partial(measure_capacity, server, key_of("capacity", server),
                                    options.quick))
            for server in options.chosen(names)]


def capacity(figures):
    """Floodgate's, which is the unit of load for all servers, but in goodput itself."""
    row = figures.rows.get(key_of("capacity", "floodgate"))
    if row is None:
        raise servers.BenchError("the capacity of floodgate is not measured yet: run --parts goodput "
                                 "--only capacity/floodgate first")
    return row["value"]


# --- Goodput: an open loop ---------------------------------------------------------------------------

def agents_needed(rate, patience, retry, seconds):
    """Room for all agents that are there at a time, with a margin for chance: who retries stays for up
    to ATTEMPTS_MAX patiences and the delays between; nobody stays longer than the storm."""
    stay = WAITS[patience]
    if retry != "none":
        stay = ATTEMPTS_MAX * stay + (JITTER_SECONDS if retry == "full-jitter" else 0)
    return int(1.15 * rate * min(stay, seconds)) + 300


def retry_arguments(retry):
    if retry == "none":
        return ["--retry", "none"]
    return ["--retry", retry, "--attempts-max", str(ATTEMPTS_MAX)]


def in_window(timeline, begin, end, interval):
    """The intervals that lie within [begin, end] seconds of the storm; t_s is an interval's start."""
    return [row for row in timeline
            if row["t_s"] >= begin - interval / 10 and row["t_s"] + interval <= end + interval / 10]


def goodput_of(timeline, begin, end, interval, capacity_per_second):
    """(goodput, counts): served in the window by what the capacity allows in it."""
    rows = in_window(timeline, begin, end, interval)
    if not rows:
        raise servers.BenchError("the storm ended before its window began")
    seconds = len(rows) * interval
    counts = {name: sum(row[name] for row in rows) for name in ("arrived", "attempts", "served")}
    counts["window_s"] = seconds
    return counts["served"] / (capacity_per_second * seconds), counts


def measure_goodput(server, patience, retry, load, span, idle_wait, key, bench, _figures):
    """The machine's speed drifts by a fifth within minutes, so the server's capacity is measured in the
    same minute: before the storm, and again after it where the server does not go on to work for
    clients that have left."""
    warm_up, window = span
    seconds = warm_up + window
    with start(bench, server) as running:
        capacities = [closed_loop(bench, running.port, NEARBY_SECONDS)]
        rate = load * capacities[0]
        arguments = ["--patience", patience, *retry_arguments(retry), "--duration", f"{seconds}s"]
        agents = agents_needed(rate, patience, retry, seconds)
        with storms.open_loop(bench, running.port, rate, agents, arguments) as storm:
            before = running.cpu_seconds()
            results = storm.results(seconds)
            used = running.cpu_seconds() - before
        idle_after = running.wait_until_idle(idle_wait)
        if server in servers.OURS and idle_after < idle_wait:
            capacities.append(closed_loop(bench, running.port, NEARBY_SECONDS))
    unit = statistics.mean(capacities)
    share, counts = goodput_of(results["timeline"], warm_up, seconds, INTERVAL_SECONDS, unit)
    return {key: {
        "goodput": share, **counts, "load": load, "capacity": unit, "capacities": capacities,
        "warm_up_s": warm_up, "served_p50_ms": results["latency_ms"]["served"]["p50"],
        "served_p99_ms": results["latency_ms"]["served"]["p99"],
        "server_cpu_share": used / results["elapsed_s"], "storm_cpu_share": results["cpu_share"],
        "storm_processes": results["processes"], "storm_lost": storms.lost(results),
        "storm_missed": results["arrivals_missed"],
        "storm_late_p99_ms": results["latency_ms"]["arrival_late"]["p99"],
        "storm_busy": storms.was_busy(results), "idle_after_s": idle_after, "idle_wait_s": idle_wait,
        "outcomes": outcomes_that_happened(results)}}


def goodput_points(options):
    patiences = QUICK_PATIENCES if options.quick else PATIENCES
    points = []
    for patience, span in patiences.items():
        for retry in RETRIES:
            for load in QUICK_LOADS if options.quick else LOADS:
                busy = IDLE_SHARE * options.idle_wait if load > 1 else 0
                for server in options.chosen(SERVERS):
                    around = NEARBY_SECONDS * (2 if server in servers.OURS else 1)
                    key = key_of("goodput", patience, retry, load, server)
                    points.append(Point(key, sum(span) + RESTART_SECONDS + around + busy, functools.partial(
                        measure_goodput, server, patience, retry, load, span, options.idle_wait, key)))
    return points


def points(options):
    # Floodgate's capacity is the unit: measured in every run of the part, whichever servers are asked for.
    found = capacity_points(options)
    if not any(point.key == key_of("capacity", "floodgate") for point in found):
        found += capacity_points(type(options)(quick=options.quick), ["floodgate"])
    return found + goodput_points(options)
