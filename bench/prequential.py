"""Test-then-train on imbalanced streams: our settings beside a moved threshold, weights, river's samplers and MOA's.

Every row is first predicted, then learned (`online_learning`). Settings are chosen on generated streams (`--streams
generated`) and judged on recorded ones, which are read from DIR; a stream whose file is missing there is named and left
out. One process; what is done stands in the file of results, and a run that was stopped goes on from there.

    python bench/prequential.py --data DIR [--rows 10000] [--seeds 3] [--learner logistic|tree] [--moa moa.jar]
"""

from __future__ import annotations

import json
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from online_learning import measures, tables
from online_learning.learners import LEARNERS
from online_learning.methods import METHODS, predict
from online_learning.moa import MOA, predict_with
from online_learning.recorded import TWO_CLASSES, recorded
from online_learning.streams import BURSTS, GENERATED, STEADY, Stream
from tqdm import tqdm


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--streams", "which", type=click.Choice(["recorded", "generated"]), default="recorded")
@click.option("--rows", default=10_000, show_default=True, help="Of each stream, the first.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--learner", type=click.Choice(LEARNERS), default="logistic", show_default=True)
@click.option("--method", "chosen", multiple=True, help="This one alone; may be given again.")
@click.option("--moa", "jar", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A jar of MOA.")
@click.option("--results", type=click.Path(path_type=Path, dir_okay=False), default=Path(".cache/prequential.jsonl"))
@click.option("--minutes", type=float, default=1e9, help="Begin nothing after so long.")
def main(
    data: Path | None,
    which: str,
    rows: int,
    seeds: int,
    learner: str,
    chosen: tuple[str, ...],
    jar: Path | None,
    results: Path,
    minutes: float,
) -> None:
    """Print what each method reaches on the streams, and on each."""
    started = time.monotonic()
    streams = GENERATED if which == "generated" else _recorded(data)
    methods = list(chosen or METHODS)
    if learner == "tree" and not chosen:
        methods += MOA if jar else []
        if not jar:
            print("MOA's methods are left out: --moa names its jar", file=sys.stderr)
    found = _read(results, rows, learner)
    wanted = [(n, m, s) for s in range(1, seeds + 1) for n in streams for m in methods if (n, m, s) not in found]
    with results.open("a") as out:
        for name, method, seed in tqdm(wanted, disable=None):
            if time.monotonic() - started > 60 * minutes:
                break
            found[name, method, seed] = measured = _run(streams[name], jar, rows, learner, method, seed)
            print(json.dumps({"key": [rows, learner, name, method, seed], "measured": measured}), file=out, flush=True)
    _print(found, list(streams), methods, list(range(1, seeds + 1)))
    machine = f"{platform.processor() or platform.machine()}, {datetime.now(UTC):%d %B %Y}"
    print(f"{learner}, {rows} rows a stream, {seeds} seeds; {machine}")


def _recorded(data: Path | None) -> dict[str, Stream]:
    if data is None:
        raise click.UsageError("recorded streams are read from a folder: name it, --data DIR")
    streams, missing = recorded(data)
    if missing:
        print(f"no file in {data}, left out: {', '.join(missing)}", file=sys.stderr)
    return streams


def _read(results: Path, rows: int, learner: str) -> tables.Found:
    results.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in results.open()] if results.exists() else []
    return {tuple(one["key"][2:]): one["measured"] for one in done if one["key"][:2] == [rows, learner]}


def _run(stream: Stream, jar: Path | None, rows: int, learner: str, method: str, seed: int) -> list[float]:
    X, y = stream.rows(rows, seed)
    if method in MOA:
        return list(measures.measure(y, predict_with(jar, method, X, y), None))
    predicted, scores = predict(method, learner, X, y, seed)
    return list(measures.measure(y, predicted, scores))


def _print(found: tables.Found, names: list[str], methods: list[str], seeds: list[int]) -> None:
    parts = {
        "Recorded, two classes": [n for n in TWO_CLASSES if n in names],
        "Recorded, several classes": [n for n in names if n == "kdd classes"],
        "Generated, steady": [f.__name__ for f in STEADY if f.__name__ in names],
        "Generated, bursts": [f.__name__ for f in BURSTS if f.__name__ in names],
    }
    for title, of_part in parts.items():
        if of_part:
            print(f"{title}:\n\n{tables.summary(found, of_part, methods, seeds, measures.NAMES)}\n")
    print(tables.by_stream(found, names, methods, seeds))


if __name__ == "__main__":
    main()
