"""A whole fleet before a shut gate: parked in the kernel's queue, or refused as Juju does it."""
import functools
import signal

import goodput
import servers
import storms
from figures import key_of
from plan import RESTART_SECONDS, Point, outcomes_that_happened

AGENTS, SOURCES = 5000, 50
GATE_SECONDS, AFTER_SECONDS_MAX = 60, 120  # shut; what follows the signal, at most
QUICK_AGENTS, QUICK_GATE_SECONDS, QUICK_AFTER_SECONDS_MAX = 500, 10, 20
# What agents do: (name, patience in seconds, retry, what the shut gate does with them).
CASES = [
    ("90s-none-park", 90, "none", "park"),
    ("1s-immediate-park", 1, "immediate", "park"),
    ("1s-immediate-refuse", 1, "immediate", "refuse"),
    ("1s-full-jitter-park", 1, "full-jitter", "park"),
    ("1s-full-jitter-refuse", 1, "full-jitter", "refuse"),
]
RESETS = ("reset_before_tls", "reset_in_handshake", "reset_before_answer")


def after_signal(results, signal_seconds, agents):
    """What the fleet saw, in seconds since the gate opened, which was `signal_seconds` after the storm's
    start. None: it did not come to that."""
    def since(moment):
        return None if moment is None else moment - signal_seconds
    return {"time_to_99_percent_s": since(results["time_to_99_percent_s"]),
            "time_to_all_s": since(results["time_to_all_s"]), "agents": agents,
            "served": results["agents_served"], "attempts": results["attempts"],
            "reset": sum(results["outcomes"][name] for name in RESETS)}


def measure(server, case, size, key, bench, _figures):
    _, patience, retry, hold = case
    agents, gate_seconds, after_seconds_max = size
    seconds = gate_seconds + after_seconds_max
    with goodput.start(bench, server, gate=True, hold=hold) as running:
        arguments = ["--mode", "https", "--agents", str(agents), "--sources", str(SOURCES),
                     "--patience", f"{patience}s", "--retry", retry,
                     "--duration", f"{seconds}s"]
        with storms.Storm(bench, running.port, [arguments]) as storm:
            storms.wait_until(storm.started + gate_seconds)
            running.require_running()
            running.process.send_signal(signal.SIGUSR1)
            opened = storms.now()
            results = storm.results(seconds)
    # The storm's clock begins when it has made its agents ready: counted back from its end.
    began = results["ended"] - results["elapsed_s"]
    row = after_signal(results, opened - began, agents)
    row.update(sources=SOURCES, gate_s=gate_seconds, after_s_max=after_seconds_max,
               storm_cpu_share=results["cpu_share"], storm_lost=storms.lost(results),
               outcomes=outcomes_that_happened(results))
    return {key: row}


def points(options):
    size = (AGENTS, GATE_SECONDS, AFTER_SECONDS_MAX)
    if options.quick:
        size = (QUICK_AGENTS, QUICK_GATE_SECONDS, QUICK_AFTER_SECONDS_MAX)
    seconds = size[1] + size[2] / 3 + RESTART_SECONDS
    return [Point(key_of("fleet", case[0], server), seconds,
                  functools.partial(measure, server, case, size, key_of("fleet", case[0], server)))
            for case in CASES for server in options.chosen(servers.OURS)]
