"""Run every benchmark and write what it printed to docs/benchmarks.md, with the machine and the date.

Lines that begin with "headline |" make the README's table.

    python bench/run.py [NAME ...] [--OPTION ...]       # bench_NAME.py; by default all

A benchmark that is not named keeps the block that it has. Options, which stand behind one name, are for that benchmark;
then nothing is written.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "benchmarks.md"
README = BENCH.parent / "README.md"
BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"
TABLE = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
PEERS = ("numba", "numpy", "redis", "feast", "imbalanced-learn", "hnswlib", "usearch", "faiss-cpu")
BLOCK = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
HEAD = """# Benchmarks

Written by `make bench`. Figures are to be read as ratios within one block: machines differ and are noisy. What a
block measures, and against whom, stands at the top of the file that it names.
"""


def machine() -> str:
    """Describe where and with what this runs."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    versions = ", ".join(f"{name} {found[name]}" for name in PEERS if name in found)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    )


def main(*arguments: str) -> None:
    """Run the named benchmarks, or all of them."""
    at = next((i for i, argument in enumerate(arguments) if argument.startswith("-")), len(arguments))
    names, options = arguments[:at], arguments[at:]
    if options and at != 1:
        sys.exit(f"options {' '.join(options)} need the one benchmark that they are for before them")
    scripts = sorted(BENCH.glob("bench_*.py"))
    unknown = set(names) - {script.stem.removeprefix("bench_") for script in scripts}
    if unknown:
        sys.exit(f"no benchmark is called {min(unknown)!r}: have {', '.join(s.stem[6:] for s in scripts)}")
    blocks = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.exists() else {}
    for script in scripts:
        if names and script.stem.removeprefix("bench_") not in names:
            continue
        print(f"== {script.name}", flush=True)
        if options:
            subprocess.run([sys.executable, str(script), *options], check=True)
            return
        done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout)
        blocks[script.name] = f"{machine()}\n```text\n{done.stdout.rstrip()}\n```\n\n"
    body = "".join(f"\n## {name}\n{text.strip()}\n" for name, text in sorted(blocks.items()))
    PAGE.write_text(HEAD + body, encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: readme_table(blocks), readme), encoding="utf-8")


def readme_table(blocks: dict[str, str]) -> str:
    """Make the README's table of the headlines, between its marks."""
    texts = [text for _, text in sorted(blocks.items())]
    rows = [line.removeprefix("headline ") for text in texts for line in text.splitlines() if line[:9] == "headline "]
    dates = sorted({text.strip()[:10] for text in texts if "\nheadline " in text})
    head = f"Measured {' and '.join(dates)}; machine and all figures: [docs/benchmarks.md](docs/benchmarks.md)."
    return "\n".join([BEGIN, head, "", "| | |", "|---|---|", *rows, END])


if __name__ == "__main__":
    main(*sys.argv[1:])
