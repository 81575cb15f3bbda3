"""The page for people: whole, self-contained, and safe whatever the names in the data are."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import ks_2samp

from feast_plugin import create_snapshot, rebuild_snapshot, verify_snapshot
from feast_plugin.versions.diff import diff_snapshot
from feast_plugin.versions.inputs.contract import StoredFeature
from feast_plugin.versions.page.features import pictures
from feast_plugin.versions.page.sample import weights_of
from feast_plugin.versions.page.space import space_of
from resampler.errors import CorruptStateError
from resampler.profile.cells import Cells


class Page(HTMLParser):
    """Texts of the elements, and the attributes that could load something."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.loads = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "xlink:href", "data", "onload")]

    def handle_data(self, data):
        self.texts.append(data.strip())


def page_of(snapshot):
    return Page((Path(snapshot.uri) / "report.html").read_text(encoding="utf-8"))


def test_it_says_what_the_manifest_says_and_loads_nothing(project):
    snapshot = project.create(feature_service="all", clean="enn")
    page = page_of(snapshot)
    assert not page.loads
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert snapshot.digest in page.texts
    assert {"amount", "score", "visits", "night", "country", "emb", "smotenc", "enn"} <= set(page.texts)
    train = snapshot.manifest.counts["train"]["classes"]
    assert f"{train['1']['synthetic']:,}" in page.texts
    text = " ".join(page.texts)
    assert all(f'get_saved_dataset("{name}")' in text for name in snapshot.datasets.values())
    assert page.tags.count("figure") == 6
    assert page.tags.count("path") == 3 * 4 + 3  # one curve a kind of row for each numeric feature, and the plane


def test_hostile_names_stay_text(make):
    table = make("plain").table
    hostile = "<script>alert(1)</script>"
    country = pa.array(np.where(table["fraud"].to_numpy() == 1, hostile, "CH"), pa.string())
    project = make(table=table.set_column(table.schema.get_field_index("country"), "country", country))
    page = page_of(project.create(feature_service="all"))
    assert "script" not in page.tags
    assert hostile in page.texts


def test_hostile_columns_stay_text(make, tmp_path):
    table = make("plain").table.drop_columns(["verdict", "emb"])
    hostile = "<script>_<img src=x onerror=y>"
    made = create_snapshot(
        tmp_path / "cat",
        name="pay",
        entity_df=table.rename_columns([hostile if name == "amount" else name for name in table.column_names]),
        label="fraud",
        join_keys=["customer_id"],
        timestamp="event_timestamp",
        ratio=0.5,
        k_neighbors=3,
    )
    page = page_of(made)
    assert not {"script", "img"} & set(page.tags)
    assert "wbr" in page.tags
    assert hostile in page.texts


def _values(table, name):
    fraud = table["fraud"].to_numpy()
    rng = np.random.default_rng(0)
    n = len(fraud)
    return {
        "ids beyond 2**53": ("visits", 2**62 + rng.integers(0, 1_000, n) + 7 * fraud),
        "ids of all bits": ("visits", rng.integers(-(2**63), 2**63 - 1, n)),
        "a constant epoch": ("visits", np.full(n, 1_732_579_200_000_001)),
        "a constant beyond 2**53": ("visits", np.full(n, 2**60 + 1)),
        "a large constant": ("amount", np.full(n, 1e15)),
        "from end to end": ("amount", np.where(fraud == 1, rng.random(n), 1.6e308 * np.sign(rng.random(n) - 0.5))),
        "tiny": ("amount", rng.random(n) * 1e-25 + 1e-25 * fraud),
    }[name]


@pytest.mark.parametrize(
    "case",
    [
        "ids beyond 2**53",
        "ids of all bits",
        "a constant epoch",
        "a constant beyond 2**53",
        "a large constant",
        "from end to end",
        "tiny",
    ],
)
def test_values_of_any_magnitude_are_drawn_and_published_unchanged(make, case):
    table = make("plain").table
    name, values = _values(table, case)
    project = make(table=table.set_column(table.schema.get_field_index(name), name, pa.array(values)))
    first = project.create(feature_service="all")
    page = page_of(first)
    assert not any("not drawn" in text for text in page.texts)
    assert page.tags.count("path") == 3 * 4 + 3
    assert not {"nan", "inf", "-inf"} & set(page.texts)

    parts = pa.concat_tables([pq.read_table(f"{first.uri}/{split}/part-00000.parquet") for split in first.datasets])
    real = parts.filter(pa.compute.invert(parts["is_synthetic"]))
    assert sorted(real[name].to_pylist()) == sorted(values.tolist())
    train = pq.read_table(f"{first.uri}/train/part-00000.parquet")
    lineage = pq.read_table(f"{first.uri}/lineage.parquet")
    child, base, neighbor = (train.take(lineage[k])[name].to_pylist() for k in ("row", "base_row", "neighbor_row"))
    assert all(min(a, b) <= c <= max(a, b) for c, a, b in zip(child, base, neighbor, strict=True))

    project.create(feature_service="all", seed=2)
    found = diff_snapshot(1, 2, name="pay", root=project.root)
    assert found["rows"]["changed"] == 0
    assert all(
        np.isfinite(list(one.values())[1:-1]).all()
        for kind in found["drift"]["train"].values()
        for one in kind.values()
    )
    assert found["drift"]["test"]["real"][name]["stability"] == 0
    if "constant" in case:
        assert found["drift"]["train"]["synthetic"][name]["distance"] == 0


def test_a_picture_that_cannot_be_drawn_stops_no_publication(project, monkeypatch):
    def fail(*arguments):
        raise FloatingPointError("no such curve")

    monkeypatch.setattr("feast_plugin.versions.page.features.outline", fail)
    page = page_of(project.create(feature_service="all"))
    assert [text for text in page.texts if "not drawn" in text] == ["not drawn: no such curve"] * 4
    assert {"amount", "score", "country"} <= set(page.texts)


def test_it_is_checked_and_made_again(project):
    snapshot = project.create()
    file = Path(snapshot.uri) / "report.html"
    before = file.read_bytes()
    file.write_bytes(before + b"<!-- touched -->")
    problems = verify_snapshot(project.reopened(), name="pay", root=project.root).problems
    assert [p.split(" has sha256")[0] for p in problems] == ["report.html"]
    with pytest.raises(CorruptStateError, match=r"report\.html must have sha256"):
        project.create()
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert made.restored == ("report.html",)
    assert file.read_bytes() == before


def test_a_column_of_nulls_that_synthetic_rows_lack_comes_first(make):
    table = make("plain").table
    score = pa.array(table["score"].to_numpy(), mask=np.random.default_rng(5).random(len(table)) < 0.5)
    project = make(table=table.set_column(table.schema.get_field_index("score"), "score", score))
    texts = page_of(project.create(feature_service="all", missing="complete", grid="off", k_neighbors=1)).texts
    first = texts.index("Does the synthetic minority look like the real one?")
    names = [text for text in texts[first:] if text in ("amount", "score", "visits", "night", "country", "emb")]
    assert names[0] == "score"
    at = texts.index("Nulls")
    assert "score" in texts[at : texts.index("0.0 %", at)]


def test_the_first_line_is_the_verdict(project):
    made = project.create(feature_service="all")
    texts = [text for text in page_of(made).texts if text]
    assert made.manifest.findings
    worst = {"refusal": 2, "warning": 1, "note": 0}
    level = max((one["level"] for one in made.manifest.findings), key=worst.__getitem__)
    verdict = next(text for text in texts if text.endswith(".") and level in text)
    assert texts.index(verdict) < texts.index("pay")
    assert all(one["name"] in verdict for one in made.manifest.findings)


def test_halves_of_one_sample_say_what_is_much():
    """What is drawn from the same distribution is rarely beyond the reference; what is moved always is."""
    rng = np.random.default_rng(2)
    feature = StoredFeature("x", "x", "float64")
    beyond = 0
    for seed in range(40):
        kinds = [pa.table({"x": rng.normal(size=600)}) for _ in range(3)]
        beyond += pictures(kinds, [feature], seed, np.ones(600))[0].much
    assert beyond <= 6
    moved = [*kinds[:2], pa.table({"x": rng.normal(0.4, 1, 600)})]
    found = pictures(moved, [feature], 0, np.ones(600))[0]
    assert found.much
    assert found.distance == pytest.approx(ks_2samp(np.asarray(kinds[1]["x"]), np.asarray(moved[2]["x"])).statistic)
    assert pictures(moved, [feature], 0, np.ones(600)) == pictures(moved, [feature], 0, np.ones(600))


def test_distances_are_those_of_the_rows():
    real = pa.table({"x": [0.0, 3.0, 10.0], "c": ["a", "b", "a"], "v": pa.array([[0.0, 0.0], [0.0, 4.0], None])})
    made = pa.table({"x": [0.0, 3.0], "c": ["a", "a"], "v": [[0.0, 0.0], [0.0, 4.0]]})
    features = [
        StoredFeature("x", "x", "float64"),
        StoredFeature("c", "c", "string", categorical=True),
        StoredFeature("v", "v", "float64", array=True),
    ]
    cells = {f.name: Cells.fitted(real[f.name], categorical=f.categorical) for f in features}
    space = space_of([real, real, made], features, cells, {"x": 1.0, "v[0]": 1.0, "v[1]": 2.0})
    assert space.among == 3
    assert space.repeats == 0.5
    towards = [0.0, 1.0]
    assert float(space.distances[1].values[2]) == pytest.approx(np.median(towards))
    between = [np.sqrt(9 + 1 + 4), np.sqrt(9 + 1 + 4), np.sqrt((49 + 1) * 5 / 3)]
    assert float(space.distances[0].values[2]) == pytest.approx(np.median(between), rel=1e-2)


def test_arrays_that_are_null_in_all_rows_of_a_kind_are_as_long_as_the_others():
    real = pa.table({"x": [0.0, 3.0, 10.0], "v": pa.array([[0.0, 0.0], [0.0, 4.0], None])})
    made = pa.table({"x": [0.0, 3.0], "v": pa.array([None, None], pa.list_(pa.float64()))})
    features = [StoredFeature("x", "x", "float64"), StoredFeature("v", "v", "float64", array=True)]
    cells = {f.name: Cells.fitted(real[f.name], categorical=False) for f in features}
    space = space_of([real, real, made], features, cells, {})
    assert space.repeats == 1.0  # by what both have


def test_the_mix_of_classes_is_no_difference():
    """Two classes far apart, of which one got most of the synthetic rows: within a class all are alike."""
    rng = np.random.default_rng(4)
    real = pa.table({"x": np.append(rng.normal(0, 1, 900), rng.normal(9, 1, 300)), "y": ["a"] * 900 + ["b"] * 300})
    made = pa.table({"x": np.append(rng.normal(0, 1, 100), rng.normal(9, 1, 900)), "y": ["a"] * 100 + ["b"] * 900})
    weights = weights_of(real["y"], made["y"])
    assert (weights[:900].sum() / weights.sum(), weights.mean()) == pytest.approx((0.1, 1))
    feature = StoredFeature("x", "x", "float64")
    assert pictures([real, real, made], [feature], 0, np.ones(1_200))[0].distance > 0.6
    found = pictures([real, real, made], [feature], 0, weights)[0]
    assert found.distance < 0.08
    assert found.distance < 1.5 * found.reference
