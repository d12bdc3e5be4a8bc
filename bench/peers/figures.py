"""The figures: one JSON file, row by row.

    {"format": 1, "rows": {"PART/WHAT/SERVER": {..., "measured": "2026-01-02 03:04", "commit": "abc"}}}

A row that is measured again replaces the old one; all others stay. The file is replaced whole
(written beside, then renamed) after each row, so that an interrupted run loses nothing."""
import datetime
import json
import os
import subprocess

FORMAT = 1
SEPARATOR = "/"


def key_of(*parts):
    for part in parts:
        if SEPARATOR in str(part):
            raise ValueError(f"{part}: a part of a key has no {SEPARATOR}")
    return SEPARATOR.join(str(part) for part in parts)


def merge_rows(old, new):
    """`old` with the rows of `new` in their places; the order of `old` is kept, new keys come last."""
    return {**old, **new}


def commit_of(directory):
    """Of the source tree: the commit, with a + if files differ from it. Empty outside of git."""
    try:
        head = subprocess.run(["git", "-C", directory, "rev-parse", "--short=8", "HEAD"], check=True,
                              capture_output=True, text=True).stdout.strip()
        changed = subprocess.run(["git", "-C", directory, "status", "--porcelain", "-uno", "--",
                                  "src", "tools", "bench"],
                                 check=True, capture_output=True, text=True).stdout.splitlines()
        # The figures themselves change while they are measured.
        return head + ("+" if any("figures" not in line for line in changed) else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


class Figures:
    def __init__(self, path):
        self.path = path
        self.rows = {}
        self.commit = commit_of(os.path.dirname(os.path.abspath(__file__)))
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if content.get("format") != FORMAT:
                raise ValueError(f"{path}: format {content.get('format')}; this program reads {FORMAT}")
            self.rows = content["rows"]

    def put(self, key, row, quick=False):
        """Adds or replaces a row, and saves."""
        now = datetime.datetime.now(datetime.timezone.utc)
        row = {**row, "measured": now.strftime("%Y-%m-%d %H:%M"), "commit": self.commit}
        if quick:
            row["quick"] = True
        self.rows = merge_rows(self.rows, {key: row})
        self.save()

    def save(self):
        beside = self.path + ".new"
        with open(beside, "w", encoding="utf-8") as out:
            json.dump({"format": FORMAT, "rows": self.rows}, out, indent=1, sort_keys=False)
            out.write("\n")
        os.replace(beside, self.path)

    def part(self, part):
        """{(rest of the key, split): row} of one part."""
        return {tuple(key.split(SEPARATOR)[1:]): row for key, row in self.rows.items()
                if key.split(SEPARATOR)[0] == part}
