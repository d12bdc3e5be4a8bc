"""Each step of a connection's way, by the programs of bench/ (Google Benchmark)."""
import functools
import subprocess

from figures import key_of
from plan import Point
from servers import BenchError

PROGRAMS = ["accept", "source_table", "gate", "handshake", "mailbox", "proxy_protocol", "relay"]
MIN_SECONDS, QUICK_MIN_SECONDS = 0.2, 0.01


def measure(program, seconds, key, bench, _figures):
    done = subprocess.run([bench.tool(f"bench/{program}_bench"), f"--benchmark_min_time={seconds}"],
                          capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise BenchError(f"{program}_bench: {done.stderr[-1000:]}")
    return {key: {"text": done.stdout.rstrip()}}


def points(options):
    if options.servers and "floodgate" not in options.servers:
        return []
    seconds = QUICK_MIN_SECONDS if options.quick else MIN_SECONDS
    return [Point(key_of("steps", name), 5 if options.quick else 15,
                  functools.partial(measure, name, seconds, key_of("steps", name)))
            for name in PROGRAMS]
