"""What the counts of a version say, against its rows."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from feast_plugin import rebuild_snapshot
from feast_plugin.versions.files.profile import NOTE, write_profile
from feast_plugin.versions.inputs.contract import Contract
from resampler.profile.cells import Cells
from resampler.profile.profile import Profile
from resampler.profile.profiler import Profiler
from resampler.profile.values import numbers_of
from resampler.storage import Location


def profile_of(snapshot):
    return Profile.from_json((Path(snapshot.uri) / "profile.json").read_bytes())


def test_counts_are_those_of_the_rows(make):
    table = make("plain").table
    rng = np.random.default_rng(3)
    holes = pa.array(np.where(rng.random(len(table)) < 0.2, None, table["amount"].to_numpy()), pa.float64())
    project = make(table=table.set_column(table.schema.get_field_index("amount"), "amount", holes))
    snapshot = project.create(feature_service="all")
    profile = profile_of(snapshot)
    seen = 0
    for split in snapshot.datasets:
        rows = pq.read_table(f"{snapshot.uri}/{split}/part-00000.parquet")
        for part in (part for part in profile.parts if part.split == split):
            mine = rows.filter(
                pc.and_(pc.equal(rows["fraud"], int(part.label)), pc.equal(rows["is_synthetic"], part.synthetic))
            )
            seen += part.rows
            assert (
                part.rows
                == mine.num_rows
                == snapshot.manifest.counts[split]["classes"][part.label]["synthetic" if part.synthetic else "real"]
            )
            for name, counts in part.features.items():
                assert counts.rows == part.rows
                assert counts.nulls == mine[name].null_count
            values = np.asarray(mine["amount"].drop_null())
            found = part.features["amount"]
            assert (found.mean, found.spread) == pytest.approx((values.mean(), values.std()))
            assert (found.low, found.high) == (values.min(), values.max())
            edges = [-np.inf, *profile.cells["amount"].edges, np.inf]
            by_hand = [np.count_nonzero((values > a) & (values <= b)) for a, b in itertools.pairwise(edges)]
            assert list(found.counts[:-1]) == by_hand
            countries = profile.cells["country"].values
            assert list(part.features["country"].counts[:-2]) == [
                pc.sum(pc.equal(mine["country"], value)).as_py() or 0 for value in countries
            ]
    assert seen == sum(counts["rows"] for counts in snapshot.manifest.counts.values())
    real = profile.counts("amount", "train", synthetic=False)
    assert real[-1] / real.sum() == pytest.approx(0.2, abs=0.06)
    assert (real[:-1] > 0).sum() >= 19


def test_it_is_made_again_bit_for_bit(project):
    snapshot = project.create(feature_service="all", undersample=0.4, retain="recipe", sampler="smotenc")
    file = Path(snapshot.uri) / "profile.json"
    before = file.read_bytes()
    assert Profile.from_json(before).to_json().encode() == before
    file.unlink()
    assert not project.check().ok
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert "profile.json" in made.restored
    assert file.read_bytes() == before


def test_counts_of_an_earlier_release_are_made_again_as_they_were(project):
    snapshot = project.create(feature_service="all")
    directory, manifest = Path(snapshot.uri), snapshot.manifest
    table = pq.read_table(directory / "train" / "part-00000.parquet")
    others = [split for split in manifest.splits if split != "train"]
    contract = Contract.from_dict(manifest.columns)
    real = table.slice(0, manifest.splits["train"].real)
    cells = {c.name: Cells.fitted(real[c.name], categorical=c.categorical, form=1) for c in contract.columns}
    profiler = Profiler(cells, contract.published_label, contract.published_synthetic, form=1)
    for split in ("train", *others):
        rows = pq.ParquetFile(directory / split / "part-00000.parquet")
        for group in range(rows.num_row_groups):
            profiler.add(split, rows.read_row_group(group))
    file = directory / "profile.json"
    file.unlink()
    stored = write_profile(profiler.profile(), Location.parse(directory))
    former = file.read_bytes()
    notes = {name: note for name, note in manifest.notes.items() if name != NOTE}
    (directory / "manifest.json").write_text(dataclasses.replace(manifest, profile=stored, notes=notes).to_json())
    file.unlink()
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert made.restored == ("profile.json",)
    assert file.read_bytes() == former


def test_a_column_that_is_mostly_one_value_has_cells_in_its_tail():
    values = np.concatenate([np.zeros(980), np.arange(1, 21)])
    cells = Cells.fitted(pa.chunked_array([values]), categorical=False)
    assert len(cells.edges) > 5
    counts = cells.count(pa.chunked_array([pa.array([0.0, None, 1e9, np.nan, -1.0])]))[0]
    assert (counts[0], counts[1], counts[-2], counts[-1]) == (1, 1, 1, 2)


@pytest.mark.parametrize(
    "values", [[1.6e308, -1.6e308, 1.0], [np.inf, 1.0, -np.inf], [5e-324, 0.0, 1e-320], [2.0**60] * 3]
)
def test_values_of_any_magnitude_are_counted_and_written(values):
    table = pa.table({"x": values, "y": [0, 1, 0], "s": [False] * 3})
    profiler = Profiler({"x": Cells.fitted(table["x"], categorical=False)}, "y", "s")
    profiler.add("train", table)
    profile = profiler.profile()
    assert profile.counts("x", "train", synthetic=False).sum() == 3
    assert Profile.from_json(profile.to_json()) == profile
    finite = [v for v in values if np.isfinite(v)]
    lows = [part.features["x"].low for part in profile.parts]
    assert min(low for low in lows if low is not None) == min(finite)


def test_an_array_is_counted_by_its_length():
    column = pa.chunked_array([pa.array([[3.0, 4.0], None, [1e200, 0.0]])])
    assert numbers_of(column)[[0, 2]].tolist() == [5.0, 1e200]
    assert np.isnan(numbers_of(column)[1])
