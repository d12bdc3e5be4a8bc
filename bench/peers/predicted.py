"""What the simulation says about the points that goodput.py measures on sockets."""
import functools
import json
import subprocess

from figures import key_of
from plan import Point
from servers import BenchError

PROGRAM = "tools/sim/floodgate-sim"
SECONDS_MAX = 1800


def rows_of(answer):
    """{(patience, retry, load as text): goodput} out of the program's JSON."""
    found = {}
    for row in answer["points"]:
        found[(row["patience"], row["retry"], f"{row['load']:g}")] = row["goodput"]
    return found


def measure(bench, _figures):
    done = subprocess.run([bench.tool(PROGRAM), "overload", "--json"], capture_output=True, text=True,
                          timeout=SECONDS_MAX)
    if done.returncode != 0:
        raise BenchError(f"floodgate-sim: {done.stderr[-1000:]}")
    return {key_of("predicted", *key): {"goodput": value}
            for key, value in rows_of(json.loads(done.stdout)).items()}


def points(options):
    if options.servers and "floodgate" not in options.servers:
        return []
    return [Point("predicted", 120, functools.partial(measure))]
