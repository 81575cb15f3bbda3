"""A ledger as samples: each file read once, a damaged one named, counters that never go back."""

import json
import time

import numpy as np
import pytest

from resampler.ledger import Ledger, Run, RunName, key_of, now
from resampler.monitoring.ledgers import LedgerReader
from resampler.monitoring.predictions import Counts
from resampler.monitoring.window import LedgerWindows, declare
from resampler.quality.gate.figures import figures


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def said():
    return []


@pytest.fixture
def reader(ledger, said):
    return LedgerReader("fraud", ledger, said.append)


def values(reader, metric, at=0.0):
    return {sample.labels[1:]: sample.value for sample in reader.samples(at) if sample.metric == metric}


def gate(seed=0, outcome="pass", policy="a", **details):
    """Return a run of a gate over predictions as an earlier release kept it, and how they came out."""
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.random(997) < 0.1, rng.random(997) < 0.2
    measured = figures(y_true, y_pred, None)
    details = {
        "figures": {name: one.to_dict() for name, one in measured.items()},
        "rules": [{"rule": "recall", "limit": {"min": 0.8, "max": None}}, {"rule": "fpr", "limit": {"min": None}}],
        "predictions": {"file": f"{seed}.parquet", "sha256": f"{seed}"},
    } | details
    counts = Counts(*(int(one.sum()) for one in (y_true & y_pred, y_true & ~y_pred, ~y_true & y_pred)))
    return Run("gate", outcome, key_of(seed=seed, policy=policy), "fraud version 1", now(), 2.0, details), counts


def drift(series, distance, drifted, **options):
    feature = {
        "feature": "amount",
        "label": "1",
        "distance": distance,
        "nulls": [0.0, 0.0],
        "jensen_shannon": 0.0,
        "wasserstein": 0.3,
        "reasons": ["kolmogorov_smirnov", "wasserstein"] if drifted else [],
        "drifted": drifted,
    }
    details = {
        "series": series,
        "policy": {"kolmogorov_smirnov": 0.1, "wasserstein": 0.1, "nulls": 0.05, "jensen_shannon": 0.1},
        "features": [feature, feature | {"label": "0", "distance": 0.0, "drifted": False, "reasons": []}],
        "classes": [{"share": [0.9, 0.8]}, {"share": [0.1, 0.2]}],
    } | options
    return Run("drift", "pass", key_of(series=series, distance=distance), "rows", now(), 1.0, details)


def test_counts_are_exact_from_figures_alone():
    for seed in range(20):
        run, counts = gate(seed)
        assert Counts.of(json.loads(json.dumps(run.details))) == counts
    assert Counts.of({"figures": "left out"}) is None
    assert Counts.of({"counts": Counts(1, 2, 3)._asdict()}) == Counts(1, 2, 3)


def test_runs_are_counted_and_the_last_of_a_step_is_shown(ledger, reader):
    assert values(reader, "resampler_runs_total") == {}
    (first, _), (last, _) = gate(1), gate(2, "no")
    ledger.append(first)
    ledger.append(last)
    ledger.append(
        Run(
            "snapshot",
            "nothing",
            key_of(),
            "fraud",
            now(),
            3.0,
            {"cost": {"cpu_seconds": 7, "peak_memory_bytes": None}},
        )
    )
    assert values(reader, "resampler_runs_total") == {
        ("gate", "pass"): 1,
        ("gate", "no"): 1,
        ("snapshot", "nothing"): 1,
    }
    outcome = values(reader, "resampler_last_run_outcome")
    assert [key for key, value in outcome.items() if value] == [("gate", "no"), ("snapshot", "nothing")]
    assert {("gate", "pass"), ("gate", "unknown"), ("gate", "failed")} < set(outcome)
    assert values(reader, "resampler_last_run_seconds") == {("gate",): 2.0, ("snapshot",): 3.0}
    assert values(reader, "resampler_last_run_cpu_seconds") == {("snapshot",): 7.0}
    assert values(reader, "resampler_last_run_memory_bytes") == {}
    assert abs(values(reader, "resampler_last_run_timestamp_seconds")["gate",] - time.time()) < 60
    assert values(reader, "resampler_gate_objective") == {("recall",): 0.8}
    assert values(reader, "resampler_gate_figure")["recall",] == last.details["figures"]["recall"]["value"]


def test_predictions_of_one_file_count_once_and_never_go_back(ledger, reader):
    one, counts = gate(1)
    other, more = gate(2)
    assert set(values(reader, "resampler_gate_predictions_total").values()) == {0}, "else the first are no increase"
    ledger.append(one)
    ledger.append(gate(1, policy="b")[0])
    ledger.append(other)
    total = {(name,): value for name, value in (counts + more)._asdict().items()}
    assert values(reader, "resampler_gate_predictions_total") == total

    def without_figures(run):
        kept = {"predictions": run.details["predictions"], "figures": "left out"}
        found = {"counts": Counts.of(run.details)._asdict()} if run.key == other.key else {}
        return Run(run.step, run.outcome, run.key, run.subject, run.at, run.seconds, kept | found)

    ledger.rewrite(without_figures)
    assert values(reader, "resampler_gate_predictions_total") == total
    for file in ledger.directory.files():
        (ledger.directory / file).remove()
    assert values(reader, "resampler_gate_predictions_total") == total
    assert values(reader, "resampler_gate_figure") == {}


def test_a_run_that_is_written_again_counts_once(ledger, reader):
    run, _ = gate()
    ledger.append(run)
    (name,) = ledger.names()
    twin = name._replace(digest="0" * 12)  # while rows are forgotten both stand there
    (ledger.directory / twin.file).write_at_once((ledger.directory / name.file).read())
    assert values(reader, "resampler_runs_total") == {("gate", "pass"): 1}


def test_drift_of_each_series_is_its_newest(ledger, reader):
    for run in (drift("stream a", 0.9, True), drift("stream a", 0.2, True), drift("against", 0.05, False)):
        ledger.append(run)
    distance = values(reader, "resampler_snapshot_drift_distance")
    assert distance["stream a", "amount"] == 0.2
    assert distance["against", "amount"] == 0.05
    assert distance["against", "(classes)"] == pytest.approx(0.1)
    ratio = values(reader, "resampler_snapshot_drift_limit_ratio")
    assert ratio == {("stream a", "amount"): pytest.approx(3.0), ("against", "amount"): 0.0}


def test_the_worst_class_of_an_attack_is_shown(ledger, reader):
    attacks = [
        {"attack": "lines", "exact": {"share": 0.1}, "near": {"share": 0.2}},
        {"attack": "lines", "exact": {"share": 0.4}, "near": {"share": 0.3}},
        {"attack": "names", "named": {"share": 0.0}, "claims": {"share": 0.9}},
        {"attack": "hull"},
    ]
    ledger.append(Run("privacy", "no", key_of(), "fraud version 1", now(), 1.0, {"attacks": attacks}))
    assert values(reader, "resampler_privacy_recovered_ratio") == {("lines",): 0.4, ("names",): 0.0}


def test_a_damaged_file_is_said_once_and_all_else_is_exported(ledger, reader, said, tmp_path):
    good, counts = gate(1)
    ledger.append(good)
    ledger.append(drift("against", 0.1, True))
    ledger.append(Run("drift", "pass", key_of(), "rows", now(), 1.0, {}))  # whole, and no details of drift
    ledger.append(gate(3, "no")[0])
    (tmp_path / "ledger" / ledger.names("gate")[-1].file).write_text("{")
    for _ in range(2):
        assert values(reader, "resampler_runs_total") == {("gate", "pass"): 1, ("gate", "no"): 1, ("drift", "pass"): 2}
        assert values(reader, "resampler_gate_figure") == {}, "of an older run they would be taken for the last one's"
        assert values(reader, "resampler_gate_predictions_total") == {(k,): v for k, v in counts._asdict().items()}
        assert values(reader, "resampler_snapshot_drift_distance")["against", "amount"] == 0.1
        assert reader.unread == 2
    assert len(said) == 2
    assert "is no run of a ledger" in " ".join(said)
    assert "has no details of a drift run" in " ".join(said)
    (tmp_path / "ledger" / ledger.names("gate")[-1].file).unlink()
    reader.samples(0.0)
    assert reader.unread == 1


def test_a_window_is_open_until_its_end(ledger, reader):
    at = time.time()

    def is_open(seconds):
        (value,) = values(reader, "resampler_maintenance", at + seconds).values()
        return value

    assert is_open(0) == 0
    LedgerWindows("fraud", ledger).declare(declare("fraud", 3600, "ann", "new labels"))
    assert (is_open(0), is_open(3590), is_open(3601)) == (1, 1, 0)
    assert values(reader, "resampler_runs_total") == {}, "a window is no run"
    assert LedgerWindows("fraud", ledger).end("bob", at).who == "ann"
    assert LedgerWindows("fraud", ledger).end("bob", at) is None
    assert is_open(0) == 0
    kept = [(run.outcome, run.details.get("who")) for run in ledger.runs("maintenance")]
    assert kept == [("on", "ann"), ("off", "bob")]


def test_how_often_there_is_a_version_is_the_median_time_between_two(tmp_path):
    """A try that failed is none, and neither an outage nor a day of many tries changes what is usual."""
    days = [0, 1, 2, 20, 21, 22, 22.001, 23]
    names = [
        RunName(int(f"202601{1 + int(day):02d}{int(day % 1 * 1e3):06d}000000"), "snapshot", "pass", "", "")
        for day in days
    ]
    failed = RunName(20260124_120000_000000, "snapshot", "failed", "", "")

    class Kept(Ledger):
        def names(self, step=None):  # noqa: ARG002 - as the base class has it
            return [*names, failed] if kept else []

        def read(self, name):
            return Run("snapshot", name.outcome, "k", "fraud", now())

    reader = LedgerReader("fraud", Kept(tmp_path), print)
    kept = False
    assert values(reader, "resampler_snapshot_interval_seconds") == {(): 0}
    kept = True
    (interval,) = values(reader, "resampler_snapshot_interval_seconds").values()
    assert interval == pytest.approx(86_400, abs=2)


def test_no_file_is_read_twice(ledger, reader, monkeypatch):
    for seed in range(30):
        ledger.append(gate(seed)[0])
        ledger.append(drift("against", seed / 100, True))
    reads = []
    read = Ledger.read
    monkeypatch.setattr(Ledger, "read", lambda self, name: reads.append(name) or read(self, name))
    first = reader.samples(1.0)
    again = reader.samples(1.0)
    assert first == again
    n = len(reads)
    assert n <= 61
    reader.samples(2.0)
    assert len(reads) == n
    ledger.append(gate(31)[0])
    reader.samples(3.0)
    assert len(reads) == n + 1
