"""The second port, for controllers: connect and handshake while agents storm the first.

floodgated has it by design; the others get a second listening address on the same thread."""
import functools

import goodput
import servers
import storms
from figures import key_of
from plan import RESTART_SECONDS, Point, outcomes_that_happened

RATES = [20, 100]  # controllers' connections a second, evenly spaced
LOAD = 10
PATIENCE, RETRY = "1s", "immediate"
LEAD_SECONDS = 5   # of overload before the first controller comes
PROBE_SECONDS, QUICK_PROBE_SECONDS = 15, 4
PROBE_PATIENCE_SECONDS = 10


def probe(bench, port, rate, seconds):
    """Runs before all others on the load's core, so that the load does not delay what it measures."""
    return storms.run(bench, port, "--mode", "tls", "--agents", str(rate * seconds),
                      "--rate", str(rate), "--patience", f"{PROBE_PATIENCE_SECONDS}s",
                      "--retry", "none", "--close-by-reset",
                      "--duration", f"{seconds + PROBE_PATIENCE_SECONDS}s", urgent=True)


def overload(bench, port, unit, seconds):
    agents = goodput.agents_needed(LOAD * unit, PATIENCE, RETRY, seconds)
    arguments = ["--patience", PATIENCE, *goodput.retry_arguments(RETRY), "--duration", f"{seconds}s"]
    return storms.open_loop(bench, port, LOAD * unit, agents, arguments)


def measure(server, rate, stormed, probe_seconds, key, bench, figures):
    unit = goodput.capacity(figures)
    with goodput.start(bench, server, controller=True) as running:
        if stormed:
            seconds = LEAD_SECONDS + probe_seconds + PROBE_PATIENCE_SECONDS + 2
            with overload(bench, running.port, unit, seconds) as storm:
                storms.wait_until(storm.started + LEAD_SECONDS)
                results = probe(bench, running.controller_port, rate, probe_seconds)
                if not storm.running():
                    raise servers.BenchError("the storm ended before the controllers did")
                storm.interrupt()
                crowd = storm.results(seconds)
        else:
            results, crowd = probe(bench, running.controller_port, rate, probe_seconds), None
    latency = results["latency_ms"]["served"]
    row = {"attempts": results["attempts"], "served": results["outcomes"]["served"],
           "p50_ms": latency["p50"], "p99_ms": latency["p99"], "max_ms": latency["max"],
           "outcomes": outcomes_that_happened(results), "capacity": unit}
    if crowd:
        row["agents_served"] = crowd["outcomes"]["served"]
        row["agents_attempts"] = crowd["attempts"]
        row["storm_cpu_share"], row["storm_busy"] = crowd["cpu_share"], storms.was_busy(crowd)
    return {key: row}


def points(options):
    seconds = QUICK_PROBE_SECONDS if options.quick else PROBE_SECONDS
    found = []
    for stormed in (False, True):
        for rate in RATES:
            for server in options.chosen(goodput.SERVERS):
                key = key_of("controller", "storm" if stormed else "idle", rate, server)
                found.append(Point(key, seconds + (LEAD_SECONDS if stormed else 0) + RESTART_SECONDS,
                                   functools.partial(measure, server, rate, stormed, seconds, key)))
    return found
