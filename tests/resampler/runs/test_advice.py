"""Rows of a version as a comparison takes them, and where measurements are kept."""

import numpy as np
import pyarrow as pa
import pytest

from feast_plugin import create_snapshot
from resampler.errors import DataError, InvalidInputError
from resampler.runs.advice import rows_of
from resampler.runs.usual_store import StoreWarning, usual_store
from resampler.training_set import open_version

N = 600


@pytest.fixture
def opened(tmp_path):
    """Make a version of a mixed table, and open it."""
    rng = np.random.default_rng(3)
    rare = np.arange(N) % 10 == 0
    table = pa.table(
        {
            "who": np.arange(N) // 3,
            "visit": np.arange(N),
            "at": pa.array(
                np.datetime64("2024-01-01", "us") + np.arange(N).astype("timedelta64[h]"), pa.timestamp("us", "UTC")
            ),
            "amount": pa.array([None, *(rng.normal(size=N - 1) + rare[1:])]),
            "night": rng.random(N) < 0.5,
            "country": rng.choice(["CH", "FR"], N),
            "emb": rng.normal(size=(N, 2)).tolist(),
            "kind": rng.integers(0, 3, N),
            "verdict": np.where(rare, "bad", "good"),
        }
    )

    def _open(keys=("who", "visit"), **options):
        given = {"label": "verdict", "ratio": 0.5, "seed": 1, "timestamp": "at", "categorical": ["kind"]} | options
        create_snapshot(tmp_path / "c", name="t", entity_df=table, join_keys=list(keys), **given)
        return open_version("t", catalog=str(tmp_path / "c"))

    return _open


def test_real_rows_with_the_columns_of_the_contract(opened):
    rows, _ = rows_of(opened(split="time:0.5,0.25,0.25"))
    assert rows.names == ("amount", "night", "country", "emb[0]", "emb[1]", "kind")
    assert rows.categorical.tolist() == [False, True, True, False, False, True]
    assert len(rows.X) == N // 2
    assert np.unique(rows.y, return_counts=True)[1].tolist() == [30, 270]
    assert rows.groups is None
    assert (np.diff(rows.times) >= 0).all()


def test_entities_stay_together_where_rows_were_not_split_by_time(opened):
    version = opened(split="stratified:0.5,0.25,0.25")
    rows, notes = rows_of(version)
    assert rows.times is None
    assert len(np.unique(rows.groups)) < len(rows.X)
    assert notes == ("Rows of one who are never learned from and tested at once.",)
    other, notes = rows_of(version, group="country", drop=("emb",))
    assert other.names == ("amount", "night", "kind")
    assert (len(np.unique(other.groups)), notes) == (2, ())
    timed, _ = rows_of(version, time="event_timestamp")
    assert timed.groups is None
    assert len(np.unique(timed.times)) == len(timed.X)
    with pytest.raises(DataError, match="--group names column 'nobody'"):
        rows_of(version, group="nobody")
    with pytest.raises(DataError, match="--drop names column 'nothing'"):
        rows_of(version, drop=("nothing",))


def test_the_group_that_a_version_was_split_by_is_kept(opened):
    rows, notes = rows_of(opened(split="group:who:0.5,0.25,0.25"))
    assert notes == ("Rows of one who are never learned from and tested at once.",)
    assert len(np.unique(rows.groups)) == N // 3 // 2


def test_rows_that_cleaning_removed_are_real_rows(opened):
    version = opened(split="time:0.5,0.25,0.25", clean="enn")
    assert version.left_out is not None
    assert len(rows_of(version)[0].X) == N // 2


def test_what_undersampling_did_is_said(opened):
    _, notes = rows_of(opened(split="time:0.5,0.25,0.25", undersample=0.2))
    assert any("was undersampled" in note for note in notes)


def test_a_version_that_stores_no_training_rows(opened):
    version = opened(split="time:0.5,0.25,0.25", retain="recipe")
    with pytest.raises(DataError, match="has no rows of train at hand"):
        rows_of(version)


def test_measurements_are_kept_in_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert usual_store() == tmp_path / "resampler" / "advise"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert usual_store() == tmp_path / "home" / ".cache" / "resampler" / "advise"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(StoreWarning, match="cannot be written .* give --resume a directory"):
        assert usual_store() is None


def test_a_feature_is_left(opened):
    with pytest.raises(InvalidInputError, match="--drop leaves t version 1 without a feature: it has amount, night"):
        rows_of(opened(split="time:0.5,0.25,0.25"), drop=("amount", "night", "country", "emb", "kind"))
