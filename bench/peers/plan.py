"""What a part of the measurement consists of."""
import dataclasses
import fnmatch
import statistics
from typing import Callable

import figures

RESTART_SECONDS = 2  # stopping, starting and waiting until idle, about


@dataclasses.dataclass(frozen=True)
class Point:
    """One measurement. `measure(bench, figures)` gives {key: row}: usually one row, `key` itself."""
    key: str
    seconds: float  # about
    measure: Callable


@dataclasses.dataclass(frozen=True)
class Options:
    quick: bool = False
    rounds: int = 3
    servers: tuple = ()  # names; empty = all
    only: tuple = ()     # patterns of keys; empty = all
    missing: bool = False
    idle_wait: float = 5  # seconds that an overloaded server is left to become idle before it is ended

    def chosen(self, servers):
        return [name for name in servers if not self.servers or name in self.servers]

    def wants(self, point, rows):
        if self.only and not any(fnmatch.fnmatch(point.key, f"*{pattern}*") for pattern in self.only):
            return False
        done = any(key == point.key or key.startswith(point.key + figures.SEPARATOR)
                   for key, row in rows.items() if self.quick or not row.get("quick"))
        return not (self.missing and done)


def median_row(samples):
    """A row out of repeated measurements: the median, and all of them."""
    return {"value": statistics.median(samples), "samples": samples}


def outcomes_that_happened(results):
    return {name: count for name, count in results["outcomes"].items() if count}
