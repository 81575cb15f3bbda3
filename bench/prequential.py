"""Test-then-train on imbalanced streams: our settings beside a moved threshold, weights, river's samplers and MOA's.

Every row is first predicted, then learned (`online_learning`). Settings are chosen on generated streams (`--streams
generated`) and judged on recorded ones, which are read from DIR; a stream whose file is missing there is named and left
out. One process; what is done stands in the file of results, and a run that was stopped goes on from there. `--write`
writes docs/prequential.md of all that stands there, of both learners.

    python bench/prequential.py --data DIR [--rows 10000] [--seeds 3] [--learner logistic|tree] [--moa JAR] [--write]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
from online_learning import page, tables
from online_learning.learners import LEARNERS
from online_learning.measures import measure
from online_learning.methods import METHODS, predict, settings_of
from online_learning.moa import MOA, predict_with
from online_learning.recorded import recorded
from online_learning.streams import GENERATED, Stream
from run import machine
from tqdm import tqdm

from resampler import preset
from resampler.presets import describe


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--streams", "which", type=click.Choice(["recorded", "generated"]), default="recorded")
@click.option("--rows", default=10_000, show_default=True, help="Of each stream, the first.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--learner", type=click.Choice(LEARNERS), default="logistic", show_default=True)
@click.option("--method", "chosen", multiple=True, help="This one alone; may be given again.")
@click.option("--moa", "jar", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A jar of MOA.")
@click.option(
    "--results", type=click.Path(path_type=Path, dir_okay=False), default=Path(".cache/online_learning.jsonl")
)
@click.option("--minutes", type=float, default=1e9, help="Begin nothing after so long.")
@click.option("--write", is_flag=True, help=f"Write {page.PAGE.name} of all results.")
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
    write: bool,
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
    seeds_of = {method: 1 if method in MOA else seeds for method in methods}
    every = [(n, m, s) for s in range(1, seeds + 1) for n in streams for m in methods if s <= seeds_of[m]]
    wanted = [one for one in every if one not in found]
    with results.open("a") as out:
        for name, method, seed in tqdm(wanted, disable=None):
            if time.monotonic() - started > 60 * minutes:
                break
            found[name, method, seed] = measured = _run(streams[name], jar, rows, learner, method, seed)
            key = [rows, learner, name, method, seed, settings_of(method)]
            print(json.dumps({"key": key, "measured": measured}), file=out, flush=True)
    print(page.sections(found, learner, methods))
    if write:
        parts = [page.sections(_read(results, rows, one), one, [*METHODS, *MOA]) for one in LEARNERS]
        head = page.HEAD.format(rows=f"{rows:,}", preset=describe(preset("online-learning")), machine=machine())
        page.PAGE.write_text("\n\n".join([head.strip(), *filter(None, parts)]) + "\n", encoding="utf-8")


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
    return {
        (stream, method, seed): one["measured"]
        for one in done
        for of_rows, of_learner, stream, method, seed, settings in [one["key"]]
        if (of_rows, of_learner, settings) == (rows, learner, settings_of(method))
    }


def _run(stream: Stream, jar: Path | None, rows: int, learner: str, method: str, seed: int) -> list[float]:
    X, y = stream.rows(rows, seed)
    if method in MOA:
        return list(measure(y, predict_with(jar, method, X, y), None))
    predicted, scores = predict(method, learner, X, y, seed)
    return list(measure(y, predicted, scores))


if __name__ == "__main__":
    main()
