"""What the simulation says about the points that goodput.py measures on sockets."""
import functools
import json
import subprocess

import goodput
from figures import key_of
from plan import Point
from servers import BenchError

PROGRAM = "tools/sim/floodgate-sim"
SECONDS_MAX = 3600


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


def measure(quick, bench, _figures):
    patiences = goodput.QUICK_PATIENCES if quick else goodput.PATIENCES
    loads = goodput.QUICK_LOADS if quick else goodput.LOADS
    done = subprocess.run(
        [bench.tool(PROGRAM), "overload", "--json", "--retry", ",".join(goodput.RETRIES),
         "--patience", ",".join(theirs(patience) for patience in patiences),
         "--load", ",".join(f"{load:g}" for load in loads)],
        capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise BenchError(f"floodgate-sim: {done.stderr[-1000:]}")
    return {key_of("predicted", *key): row for key, row in rows_of(json.loads(done.stdout)).items()}


def points(options):
    if options.servers and "floodgate" not in options.servers:
        return []
    return [Point("predicted", 120, functools.partial(measure, options.quick))]
