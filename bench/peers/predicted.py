"""What the simulation says about the points that goodput.py measures on sockets: the same agents for the
same time, on a network as short and with kernels as new as this machine's."""
import functools
import json
import platform
import subprocess

import goodput
from figures import key_of
from plan import Point
from servers import BenchError

PROGRAM = "tools/sim/floodgate-sim"
SECONDS_MAX = 3600
LOOPBACK = "20us"  # one way


def theirs(patience):
    """As the program takes it, in a list with commas."""
    return patience.removeprefix("mix:").replace(",", "/")


def ours(patience):
    """As goodput.py writes what the program tells."""
    if "/" in patience:
        return "mix:" + patience.replace("/", ",")
    return patience.replace("exp ", "exp:")


def rows_of(answer):
    """{(patience, retry, load as text): row} out of the program's JSON. It counts what was served by
    what could have been, goodput.py by the capacity: below the capacity these differ by the load."""
    found = {}
    for run in answer["runs"]:
        key = (ours(run["patience"]), run["retry"], f"{run['load']:g}")
        found[key] = {"goodput": run["goodput"] * min(1, run["load"]),
                      "capacity": answer["capacity_per_second"]}
    return found


def old_kernels_percent(release):
    """Of the storm's agents: Linux sends a dropped SYN again every second at first from 6.5 on, and after
    1, 2, 4, ... s before. `release`: as uname -r tells it."""
    major, minor = release.split(".")[:2]
    return 0 if (int(major), int("".join(filter(str.isdigit, minor)))) >= (6, 5) else 100


def measure(patience, span, loads, bench, _figures):
    warm_up, window = span
    done = subprocess.run(
        [bench.tool(PROGRAM), "overload", "--json", "--retry", ",".join(goodput.RETRIES),
         "--patience", theirs(patience), "--load", ",".join(f"{load:g}" for load in loads),
         "--warm-up", f"{warm_up}s", "--window", f"{window}s",
         "--old-kernels", str(old_kernels_percent(platform.release())), "--one-way", LOOPBACK],
        capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise BenchError(f"floodgate-sim: {done.stderr[-1000:]}")
    return {key_of("predicted", *key): row for key, row in rows_of(json.loads(done.stdout)).items()}


def points(options):
    if options.servers and "floodgate" not in options.servers:
        return []
    patiences = goodput.QUICK_PATIENCES if options.quick else goodput.PATIENCES
    loads = goodput.QUICK_LOADS if options.quick else goodput.LOADS
    return [Point(key_of("predicted", patience), 30,
                  functools.partial(measure, patience, span, loads))
            for patience, span in patiences.items()]
