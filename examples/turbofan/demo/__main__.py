"""Run the main job end to end on NASA's turbofan data: a Feast snapshot, a Redis stream, learners, and a kill."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `demo` is a package of the example, not of the wheel

from demo import report, snapshot, streaming
from demo.learners import OnlineLearner, balanced_weight, judge, learn_online, offline_scores
from demo.process import HERE, resampler_command, run
from resampler.cli import run as run_command
from resampler.errors import InvalidInputError, ResamplerError
from stream import EmbeddedServer

RECORDED = json.loads((HERE / "recorded.json").read_text())
MARK = ".made-by-the-demo"
BATCH_ROWS = 64  # about what an output entry holds: one flight day of the engines that still fly


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--redis", "url", envvar="RESAMPLER_REDIS_URL", help="Use this server instead of an embedded one.")
@click.option("--seed", type=click.IntRange(min=0), default=RECORDED["seed"], show_default=True)
@click.option("--ratio", type=float, default=RECORDED["ratio"], show_default=True, help="Minority : majority.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default="demo-output", show_default=True)
def main(url: str | None, seed: int, ratio: float, output: Path) -> None:
    """Publish a snapshot, train on a stream, compare, kill, compare bytes."""
    if not 0 < ratio <= 1:
        raise InvalidInputError(f"--ratio must be in (0, 1], the minority : majority wanted, got {ratio}")
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(_directory(output))
        report.step(1, "A server")
        if url is None:
            server = stack.enter_context(EmbeddedServer())
            url = server.url
            report.say("an embedded Redis-compatible server runs on a private Unix socket; no port is open")
        else:
            streaming.check(url)
            report.say("the server of --redis answers; the demo's keys are removed at the end")
        run(resampler_command("warmup"), "compiling the kernels, once")

        published = _snapshot(work, output, ratio, seed)
        _stream(stack, work, url, published, ratio, seed)
    _next_steps(output)
    click.echo(f"\n   done in {time.monotonic() - started:.0f} s")


def _snapshot(work: Path, output: Path, ratio: float, seed: int) -> snapshot.Published:
    report.step(2, "A snapshot: Feast repository in, versioned training set out")
    published = snapshot.publish(work, ratio, seed)
    answer = published.answer
    report.say(f"split by engine, training split augmented to ratio {ratio} with seed {seed}:")
    for split, counts in answer["counts"].items():
        report.say(f"  {answer['datasets'][split]:28} {counts['rows']:6,} rows, {counts['synthetic']:5,} synthetic")
    seen = snapshot.read_back(work, published)
    train = seen["datasets"][answer["datasets"]["train"]]
    ours = seen["imported_of_ours"]
    if ours:
        raise ResamplerError(f"the reader was to import only Feast, and imported {ours}")
    report.say(f"a process that imports only Feast reads {train['rows']:,} training rows back, tagged")
    for tag in ("seed", "ratio", "version", "sampler", "sha256"):
        report.say(f"  resampler.{tag:8} {train['tags'][f'resampler.{tag}']}")
    found = published.manifest["findings"]
    report.say(f"what the checks found before it was published: {len(found)} findings, none of which stops it")
    for one in found:
        report.say(f"  {one['level']} {one['name']}: {one['figure']}")
    for told in published.manifest["notes"]["detectability"].values():
        report.say("synthetic rows are told from real ones of their class at an area under the curve of")
        report.say(f"  {told['area']:.2f}, by boosted trees; 0.5 is not at all, 1 is always")
    report.say("the page for people, to open in a browser:")
    report.say(f"  {output}/snapshots/turbofan/v{answer['version']:04d}/report.html")
    again = snapshot.create(work, ratio, seed).answer
    report.say(f"asked for again: version {again['version']}, {'reused' if again['reused'] else 'NOT reused'}")
    _check_recorded("snapshot", answer["digest"], ratio, seed)
    return published


def _stream(
    stack: contextlib.ExitStack, work: Path, url: str, published: snapshot.Published, ratio: float, seed: int
) -> None:
    run_id = secrets.token_hex(4)
    first, second, third = (f"turbofan-{run_id}-{letter}" for letter in "abc")
    for name in (first, second, third):
        stack.callback(streaming.remove, url, name)
    report.step(3, "A stream: rows through Redis into the worker, its micro-batches into an online learner")
    features = published.features
    (work / "contract.json").write_text(json.dumps(published.manifest["contract"]))
    rows = streaming.write_rows(published.table("train"), features, snapshot.LABEL, work / "rows.parquet")
    stream = streaming.Stream(url, work / "rows.parquet", work / "contract.json", ratio, seed)
    training = streaming.train_on_stream(stream, first, rows, work)
    report.say(f"{training.n_real:,} real rows in time order, {training.n_synthetic:,} synthetic rows between them;")
    report.say("a learner called partial_fit on each micro-batch as it came")

    report.step(4, "What it brought, on engines that nobody trained on (test split, threshold 0.5)")
    report.table(_compare(published, rows, features, training))
    report.say("")
    p50, p99 = np.percentile(training.latencies_ms, [50, 99])
    report.say(f"synthetic ratio {training.synthetic_ratio:.3f} (synthetic rows : all rows)")
    report.say(
        f"batch latency at {streaming.LIVE_ROWS_PER_S:,} rows/s, XADD to learner: p50 {p50:.1f} ms, p99 {p99:.1f} ms;"
    )
    report.say("a batch is a day of flights, and ends when the next day begins")
    n_entries, digest = streaming.output_digest(url, first)
    seconds = streaming.drain_backlog(stream, first, third, n_entries)
    report.say(f"{training.n_real / seconds:,.0f} rows/s through the worker when the rows wait for it")

    report.step(5, "The same rows again, and the worker killed with SIGKILL half way")
    at_kill, returncode = streaming.kill_half_way(stream, second, n_entries, work)
    n_again, digest_again = streaming.output_digest(url, second)
    report.say(f"killed (signal {-returncode}) after {at_kill} of {n_entries} output entries; another worker went on")
    report.say(f"first pass   {n_entries} entries, sha256 {digest}")
    report.say(f"second pass  {n_again} entries, sha256 {digest_again}")
    n_third, digest_third = streaming.output_digest(url, third)
    report.say(f"backlog      {n_third} entries, sha256 {digest_third}")
    if not (n_entries, digest) == (n_again, digest_again) == (n_third, digest_third):
        raise ResamplerError("the output streams differ: please report this")
    report.say("byte-identical")
    _check_recorded("stream", digest, ratio, seed)


def _compare(
    published: snapshot.Published, rows: Any, features: list[str], training: streaming.Training
) -> list[tuple[str, dict[str, float]]]:
    X_test, y_test = snapshot.matrix(published.table("test"), features)
    X, y = snapshot.matrix(rows, features)
    X_augmented, y_augmented = snapshot.matrix(published.table("train"), features)
    plain = learn_online(X, y, OnlineLearner(), batch_rows=BATCH_ROWS)
    weighted = learn_online(X, y, OnlineLearner(balanced_weight(y)), batch_rows=BATCH_ROWS)
    return [
        ("online, as the rows come", judge(y_test, plain.scores(X_test))),
        ("online, class weights", judge(y_test, weighted.scores(X_test))),
        ("online, our stream", judge(y_test, training.learner.scores(X_test))),
        ("offline, without the snapshot", judge(y_test, offline_scores(X, y, X_test))),
        ("offline, with the snapshot", judge(y_test, offline_scores(X_augmented, y_augmented, X_test))),
    ]


def _check_recorded(what: str, digest: str, ratio: float, seed: int) -> None:
    if (ratio, seed) != (RECORDED["ratio"], RECORDED["seed"]):
        report.say(f"{what} digest {digest} (none is recorded for this seed and ratio: run again to compare)")
        return
    if digest != RECORDED[what]:
        raise ResamplerError(f"{what} digest {digest} is not the recorded {RECORDED[what]}: equal seeds must agree")
    report.say(f"{what} digest {digest[:16]}... is the one recorded for seed {seed}: the same on every run")


def _next_steps(output: Path) -> None:
    report.step(6, "Next: your own data")
    report.say(f"look at the snapshot:  resampler snapshot show --name turbofan --root {output}/snapshots")
    report.say(
        f"is it worth it?        resampler advise --snapshot turbofan --root {output}/snapshots --max-seconds 5m"
    )
    report.say(
        "is a model good?       resampler gate PREDICTIONS.parquet --snapshot NAME --root DIR --policy POLICY.toml"
    )
    report.say("your Feast repository: resampler snapshot create --repo DIR --name NAME --feature-service SERVICE \\")
    report.say("                           --entity-df LABELS.parquet --label COLUMN --ratio 0.2 --seed 42 --root DIR")
    report.say("your Redis:            export RESAMPLER_REDIS_URL=redis://host:6379")
    report.say("                       resampler stream run --stream NAME --features a,b,c --label COLUMN \\")
    report.say("                           --for online-learning")
    report.say("                       (the commands are in .venv/bin; each has --help)")


@contextlib.contextmanager
def _directory(output: Path):
    """Make the output directory anew, and leave nothing half-written in it."""
    if output.exists() and not (output / MARK).exists():
        raise InvalidInputError(f"--output {str(output)!r} exists and was not made by the demo: name another directory")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    (output / MARK).touch()
    try:
        yield output.resolve()
    except BaseException:
        shutil.rmtree(output, ignore_errors=True)
        raise


if __name__ == "__main__":
    run_command(main, "resampler demo")
