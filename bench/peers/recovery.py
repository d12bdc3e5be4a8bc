"""Recovery: how long after an overload new agents wait as little as before it."""
import functools
import statistics

import goodput
import servers
import storms
from figures import key_of
from plan import RESTART_SECONDS, Point, outcomes_that_happened

RECOVERY_PATIENCES = ["300ms", "1s", "10s"]
OVERLOAD, OVERLOAD_SECONDS = 10, 30
LIGHT, IDLE_SECONDS, AFTER_SECONDS = 0.5, 15, 45
QUICK_RECOVERY = (4, 4, 8)
SETTLED_INTERVALS = 4
SERVED_SHARE = 0.9


def idle_p99(timeline):
    """The median of the intervals' p99, the first second left out."""
    rows = [row["served_p99_ms"] for row in timeline if row["t_s"] >= 1 and row["served"]]
    if not rows:
        raise servers.BenchError("nobody was served at half of the capacity")
    return statistics.median(rows)


def settled(rows, bound_ms):
    """Nearly all that arrived in these intervals were served, and the wait is within the bound, as it is
    in the first of them."""
    if not all(row["served"] for row in rows):
        return False
    waits = [row["served_p99_ms"] for row in rows]
    enough = sum(row["served"] for row in rows) >= SERVED_SHARE * sum(row["arrived"] for row in rows)
    return enough and waits[0] <= bound_ms and statistics.median(waits) <= bound_ms


def recovered_after(timeline, bound_ms):
    """Seconds until the first interval from which SETTLED_INTERVALS are settled. None: none are."""
    for index in range(len(timeline) - SETTLED_INTERVALS + 1):
        if settled(timeline[index:index + SETTLED_INTERVALS], bound_ms):
            return timeline[index]["t_s"]
    return None


def light_storm(bench, port, unit, patience, seconds, block):
    agents = goodput.agents_needed(LIGHT * unit, patience, "none", seconds)
    return storms.open_loop(bench, port, LIGHT * unit, agents,
                            ["--patience", patience, "--retry", "none", "--duration", f"{seconds}s"],
                            block=block)


def measure_recovery(server, patience, spans, key, bench, figures):
    unit = goodput.capacity(figures)
    overload_seconds, idle_seconds, after_seconds = spans
    rate = OVERLOAD * unit
    with goodput.start(bench, server) as running:
        with light_storm(bench, running.port, unit, patience, idle_seconds, 100) as storm:
            idle = idle_p99(storm.results(idle_seconds)["timeline"])
        agents = goodput.agents_needed(rate, patience, "none", overload_seconds)
        arguments = ["--patience", patience, "--retry", "none",
                     "--duration", f"{overload_seconds + int(goodput.WAITS[patience]) + 5}s"]
        # Arrivals end, but who waits goes on to wait: leaving all at once would help the server.
        with storms.open_loop(bench, running.port, rate, agents, arguments,
                              attempts=int(rate * overload_seconds)) as overload:
            storms.wait_until(overload.started + overload_seconds)
            with light_storm(bench, running.port, unit, patience, after_seconds, 120) as storm:
                after = storm.results(after_seconds)
            crowd = overload.results(overload_seconds)
    seconds = recovered_after(after["timeline"], 2 * idle)
    return {key: {"seconds": seconds, "seconds_max": after_seconds, "idle_p99_ms": idle,
                  "capacity": unit, "overload_s": overload_seconds,
                  "overload_served": crowd["outcomes"]["served"], "overload_attempts": crowd["attempts"],
                  "storm_cpu_share": crowd["cpu_share"], "storm_busy": storms.was_busy(crowd),
                  "outcomes_after": outcomes_that_happened(after),
                  "timeline": [[row["t_s"], row["arrived"], row["served"], row["served_p99_ms"]]
                               for row in after["timeline"]]}}


def points(options):
    spans = QUICK_RECOVERY if options.quick else (OVERLOAD_SECONDS, IDLE_SECONDS, AFTER_SECONDS)
    return [Point(key_of("recovery", patience, server), sum(spans) + RESTART_SECONDS,
                  functools.partial(measure_recovery, server, patience, spans,
                                    key_of("recovery", patience, server)))
            for patience in (RECOVERY_PATIENCES[:2] if options.quick else RECOVERY_PATIENCES)
            for server in options.chosen(goodput.SERVERS)]
