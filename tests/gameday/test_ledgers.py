"""What batch runs came to calls for somebody: a gate that said no, an old version; not within a declared window."""

import os

import deployed
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage import LABEL

SNAPSHOT = "payments_train"
WITHIN_S = 60.0
long = pytest.mark.skipif(os.environ.get("GAMEDAY") != "long", reason="takes minutes: make gameday")


@pytest.fixture
def gate(tmp_path, own_catalog):
    """Judge predictions that find `recall` of the rare rows of the test split, and raise few false alarms."""
    runs = []

    def run(recall):
        table = pq.read_table(next((own_catalog / SNAPSHOT / "v0001" / "test").glob("*.parquet")))
        rng = np.random.default_rng(len(runs))
        y = table[LABEL].to_numpy()
        found = rng.random(len(y)) < np.where(y == 1, recall, 0.01)
        score = np.clip(np.where(found, 0.9, 0.1) + rng.normal(0, 0.03, len(y)), 0, 1)
        given = {"id": table["id"], "y_true": y, "y_pred": found.astype(int), "score": score}
        runs.append(tmp_path / f"predictions-{len(runs)}.parquet")
        pq.write_table(pa.table(given), runs[-1])
        place = ("--snapshot", SNAPSHOT, "--catalog", own_catalog)
        deployed.resampler("gate", runs[-1], *place, "--first", expect=0 if recall > 0.8 else 3)

    return run


def alerts_of(watch, since, status):
    return {
        alert["labels"]["alertname"]
        for _, _, notification in watch.pager.received[since:]
        for alert in notification["alerts"]
        if alert["status"] == status
    }


@long
def test_a_gate_that_says_no_and_the_budget_that_it_burns(watch_ledgers, gate):
    gate(0.97)
    with watch_ledgers() as watch:
        watch.wait(10)
        assert not watch.paged(), watch.seen()
        gate(0.3)
        watch.until(lambda: "ResamplerRecallBudgetBurnFast" in watch.paged(), WITHIN_S, "the budget's page")
        watch.wait(5)
        assert watch.paged() == {"ResamplerGateFailed", "ResamplerRecallBudgetBurnFast"}, watch.seen()
        for _ in range(8):
            gate(0.97)
        ended = {"ResamplerGateFailed", "ResamplerRecallBudgetBurnFast"}
        watch.until(lambda: alerts_of(watch, 0, "resolved") >= ended, 150, "the end of both")


@long
def test_a_declared_window_is_silent_and_what_lasts_longer_is_not(watch_ledgers, gate, own_catalog):
    gate(0.97)
    place = ("--snapshot", SNAPSHOT, "--catalog", own_catalog)
    with watch_ledgers() as watch:
        deployed.resampler("maintenance", "on", "--for", "2h", *place)
        watch.until(lambda: watch.prometheus.query("resampler_maintenance == 1"), 30, "the window")
        gate(0.3)
        watch.until(lambda: "ResamplerGateFailed" in {a["alertname"] for a in watch.prometheus.alerts()}, 60, "alert")
        watch.wait(15)
        assert not watch.paged(), watch.seen()
        deployed.resampler("maintenance", "off", *place)
        watch.until(lambda: "ResamplerGateFailed" in watch.paged(), WITHIN_S, "what the window kept silent")


@long
def test_an_old_version_is_said_and_a_new_one_ends_it(watch_ledgers, own_catalog):
    with watch_ledgers(factor=2_880) as watch:  # two days in a minute
        watch.until(lambda: watch.paged(), 2 * WITHIN_S, "the age of the version")
        assert watch.paged() == {"ResamplerSnapshotStale"}, watch.seen()
        rows = own_catalog.parent / "rows.parquet"
        table = pq.read_table(deployed.ROWS)
        pq.write_table(table.slice(100), rows)
        deployed.make_snapshot(own_catalog, rows)
        watch.until(lambda: "ResamplerSnapshotStale" in alerts_of(watch, 0, "resolved"), 60, "its end")
