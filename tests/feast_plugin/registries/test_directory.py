"""A plain directory as a catalogue: the life of a version without Feast, and the same rows as through Feast."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from feast_plugin import (
    create_snapshot,
    forget_entity,
    list_snapshots,
    prune_snapshot,
    rebuild_snapshot,
    verify_snapshot,
)
from feast_plugin.notices import SnapshotWarning
from resampler.errors import ContractError, CorruptStateError, DataError, GateError, InvalidInputError

START = np.datetime64("2024-03-01", "us")

# Runs commands one after the other where no module of Feast or pandas can be imported.
WITHOUT_FEAST = """
import contextlib, io, json, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("feast", "pandas", "sqlglot", "duckdb"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from resampler.cli import main
done = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["resampler", "snapshot", *words]
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code or 0
    done.append([code, out.getvalue(), err.getvalue()])
assert not [name for name, module in sys.modules.items() if module and name.split(".")[0] in ("feast", "pandas")]
print(json.dumps(done))
"""


def without_feast(*commands):
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run([sys.executable, "-c", WITHOUT_FEAST, words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def payments(n=400, seed=7):
    """One row in eight fraud, of every type that a version stores."""
    rng = np.random.default_rng(seed)
    fraud = (np.arange(n) % 8 == 0).astype(np.int64)
    return pa.table(
        {
            "customer_id": np.arange(n) // 10 + 1,
            "at": pa.array(START + rng.permutation(n).astype("m8[h]"), pa.timestamp("us", "UTC")),
            "amount": rng.gamma(2.0, 30.0, n) + 50 * fraud,
            "score": rng.random(n).astype(np.float32),
            "visits": rng.integers(0, 50, n).astype(np.int16),
            "night": rng.random(n) < 0.3,
            "country": pa.array(rng.choice(["CH", "DE", "FR"], n)).dictionary_encode(),
            "emb": pa.FixedSizeListArray.from_arrays(pa.array(rng.random(3 * n, dtype=np.float32)), 3),
            "fraud": fraud,
        }
    )


class Shop:
    """A catalogue in a directory, and the table that its versions are made of."""

    def __init__(self, path: Path) -> None:
        self.path = path / "catalog"
        self.rows = path / "rows.parquet"
        self.table = payments()
        pq.write_table(self.table, self.rows)

    def create(self, **options):
        defaults = {
            "name": "pay", "entity_df": self.rows, "label": "fraud", "join_keys": ["customer_id"], "timestamp": "at",
            "ratio": 0.5, "seed": 1, "k_neighbors": 3,
        }  # fmt: skip
        return create_snapshot(self.path, **(defaults | options))

    def check(self, version=None):
        return verify_snapshot(self.path, name="pay", version=version)

    @property
    def datasets(self):
        return json.loads((self.path / "pay" / "datasets.json").read_text())["datasets"]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_version_of_the_same_rows_has_the_content_that_it_has_through_feast(project, tmp_path):
    """Whatever the registry: keys, times, features and label of equal rows give equal files, split by split."""
    table = project.table.drop_columns("verdict")
    for options in ({}, {"retain": "recipe", "clean": "tomek", "group_by": "night", "ratio": 0.9, "undersample": 0.5}):
        ours = project.create(feature_service="all", **options).manifest
        theirs = create_snapshot(
            tmp_path / "catalog", name="pay", entity_df=table, label="fraud", join_keys=["customer_id"],
            timestamp="event_timestamp", **({"ratio": 0.5, "seed": 1, "k_neighbors": 3} | options),
        ).manifest  # fmt: skip
        assert theirs.inputs["sha256"] == ours.inputs["sha256"]
        assert {s: e.sha256 for s, e in theirs.splits.items()} == {s: e.sha256 for s, e in ours.splits.items()}
        assert [file.sha256 for file in theirs.stored] == [file.sha256 for file in ours.stored]
        assert theirs.parameters == ours.parameters
        assert theirs.contract == ours.contract


def test_the_life_of_a_version_where_feast_cannot_be_imported(shop):
    where = ["--catalog", shop.path, "--name", "pay"]
    create = [
        "create", *where, "--entity-df", shop.rows, "--label", "fraud", "--join-keys", "customer_id",
        "--timestamp", "at", "--ratio", 0.5, "--k-neighbors", 3, "--retain", "recipe", "--json",
    ]  # fmt: skip
    commands = (
        create,
        create,
        [*create, "--seed", 2],
        ["list", "--catalog", shop.path, "--json"],
        ["show", *where, "--version", 1, "--json"],
        ["verify", *where, "--json"],
        ["diff", 1, 2, *where, "--json"],
        ["rebuild", *where, "--json"],
        ["forget", *where, "--entity", "customer_id=7", "--json"],
        create,
        ["prune", *where, "--keep", 1, "--json"],
        ["verify", *where],
    )
    done = without_feast(*commands)
    assert [code for code, _, _ in done] == [0] * len(commands), done
    first, again, other, listed, shown, verified, diff, rebuilt, forgot, later, pruned, _ = (
        json.loads(out) if out[:1] == "{" else out for _, out, _ in done
    )
    assert (first["version"], first["reused"], again["reused"], other["version"]) == (1, False, True, 2)
    assert [one["version"] for one in listed["snapshots"]] == [1, 2]
    assert shown["inputs"]["project"] is None
    assert verified["ok"]
    assert diff["parameters"] == {"seed": [0, 2]}
    assert sorted(rebuilt["restored"]) == ["lineage.parquet", "train/part-00000.parquet"]
    assert [one["replaced_by"] for one in forgot["versions"]] == [3, 4]
    assert later["version"] == 5
    assert "Note: 10 rows of entities that were forgotten (by customer_id) were left out" in done[9][2]
    assert pruned["removed"] == [3, 4]
    assert sorted(shop.datasets) == sorted(later["datasets"].values())


def test_the_index_names_files_as_they_lie_so_a_catalogue_can_be_moved(shop, tmp_path):
    made = shop.create()
    moved = tmp_path / "moved"
    shutil.move(shop.path, moved)
    index = json.loads((moved / "pay" / "datasets.json").read_text())["datasets"]
    assert sorted(index) == sorted(made.datasets.values())
    train = pq.read_table(moved / "pay" / index["pay_v0001_train"]["path"])
    assert train["is_synthetic"].to_numpy().sum() == made.manifest.splits["train"].synthetic
    assert index["pay_v0001_train"]["tags"]["resampler.ratio"] == "0.5"
    assert index["pay_v0001_train"]["first_event"].startswith("2024-03-01T")
    assert verify_snapshot(moved, name="pay").problems == ()


def test_columns_keep_name_order_and_kind(shop):
    made = shop.create()
    schema = pq.read_schema(Path(made.uri) / "train" / "part-00000.parquet")
    assert schema.names == [
        "customer_id", "event_timestamp", "amount", "score", "visits", "night", "country", "emb",
        "fraud", "is_synthetic",
    ]  # fmt: skip
    assert [str(schema.field(name).type) for name in ("amount", "score", "visits", "night", "country")] == [
        "double", "float", "int32", "bool", "string",
    ]  # fmt: skip
    assert made.manifest.parameters["sampler"] == "smotenc"
    codes = shop.create(features=["amount", "visits"], categorical=["visits"])
    assert [(c["name"], c["categorical"]) for c in codes.manifest.columns["features"]] == [
        ("amount", False),
        ("visits", True),
    ]


def test_an_option_of_on_demand_features_says_that_a_table_has_none(shop):
    plain = shop.create()
    with pytest.warns(SnapshotWarning, match="on_demand='computed' changes nothing: no feature"):
        assert shop.create(on_demand="computed").digest == plain.digest


def test_rows_without_a_time_have_no_such_column_and_are_split_by_class(shop):
    table = shop.table.drop_columns("at").append_column("row", pa.array(np.arange(shop.table.num_rows)))
    options = {"entity_df": table, "timestamp": None, "join_keys": ["customer_id", "row"], "name": "pay"}
    made = shop.create(**options)
    assert made.manifest.parameters["split"] == "stratified:0.7,0.15,0.15"
    assert "event_timestamp" not in pq.read_schema(Path(made.uri) / "test" / "part-00000.parquet").names
    assert made.manifest.splits["train"].min_event_timestamp is None
    assert shop.check().problems == ()
    assert shop.create(**options).reused
    (Path(made.uri) / "test" / "part-00000.parquet").unlink()
    assert rebuild_snapshot(shop.path, name="pay", entity_df=table).restored == ("test/part-00000.parquet",)
    assert [one.replaced_by for one in forget_entity(shop.path, name="pay", entity="customer_id=3")] == [2]
    assert shop.check().problems == ()
    with pytest.raises(InvalidInputError, match="needs event times, and rows have none"):
        shop.create(**options, split="time:0.7,0.15,0.15")


def test_damaged_rows_come_again_from_the_file_that_the_manifest_remembers(shop):
    made = shop.create(split="group:customer_id:0.6,0.2,0.2", sampler="borderline", ratio=0.9)
    before = {p.relative_to(made.uri): p.read_bytes() for p in Path(made.uri).rglob("*.parquet")}
    (Path(made.uri) / "train" / "part-00000.parquet").unlink()
    assert rebuild_snapshot(shop.path, name="pay").source == "store"
    assert {p.relative_to(made.uri): p.read_bytes() for p in Path(made.uri).rglob("*.parquet")} == before
    (Path(made.uri) / "train" / "part-00000.parquet").unlink()
    pq.write_table(payments(seed=8), shop.rows)
    with pytest.raises(CorruptStateError, match="have changed since"):
        rebuild_snapshot(shop.path, name="pay")


def test_the_splits_column_is_no_feature_unless_it_is_named_one(shop):
    side = pa.array(["train"] * 300 + ["test"] * 100)
    table = shop.table.append_column("side", side)
    made = shop.create(entity_df=table, split="column:side")
    assert "side" not in [c["name"] for c in made.manifest.columns["features"]]
    assert made.manifest.counts["test"]["real"] == 100


def test_a_csv_gives_the_version_that_its_parquet_gives(shop, tmp_path):
    table = shop.table.select(["customer_id", "at", "amount", "visits", "country", "fraud"])
    table = table.set_column(3, "visits", table["visits"].cast(pa.int64()))
    table = table.set_column(4, "country", table["country"].cast(pa.string()))
    pyarrow.csv.write_csv(table, tmp_path / "rows.csv")
    assert shop.create(entity_df=table).digest == shop.create(entity_df=tmp_path / "rows.csv").digest


def test_a_table_of_any_library_gives_the_version_that_its_parquet_gives(shop):
    table = shop.table.drop_columns(["emb", "country"])
    digests = {shop.create(entity_df=frame).digest for frame in (table, table.to_pandas(), pl.from_arrow(table))}
    assert len(digests) == 1
    with pytest.raises(InvalidInputError, match=r"must be a pandas, Polars or Arrow table, .* got dict"):
        shop.create(entity_df={"amount": [1.0]})


BAD = {
    "no join keys": ({"join_keys": None}, InvalidInputError, "join_keys must name"),
    "no table": ({"entity_df": None}, InvalidInputError, "entity_df must give the rows"),
    "sql": ({"entity_df": "SELECT 1 AS a"}, InvalidInputError, "runs no SQL"),
    "a service": ({"feature_service": "numbers"}, InvalidInputError, "feature_service is for a Feast repository"),
    "a label that is not there": ({"label": "nope"}, DataError, "label names column 'nope'; the table has customer_id"),
    "a split's column that is not there": ({"split": "column:nope"}, DataError, "split names column 'nope'"),
    "a key of floats": ({"join_keys": ["amount"]}, ContractError, "join key 'amount' must be integer or text"),
    "a float that is a code": ({"categorical": ["amount"]}, ContractError, "a categorical one must be integer"),
    "a code that is no feature": ({"features": ["amount"], "categorical": ["visits"]}, ContractError, "is no feature"),
    "a key that stands twice": (
        {"timestamp": None, "features": ["amount"]},
        DataError,
        "each key must stand once, got 40 repeated",
    ),
    "a time that is a feature": ({"timestamp": None, "join_keys": ["at"]}, ContractError, "join key 'at' must be"),
    "a column of ours": ({"label": "is_synthetic"}, ContractError, "'is_synthetic' would stand twice"),
    "a ratio that is reached": ({"ratio": 0.01}, GateError, "already reached"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_nothing_published(shop, case):
    options, kind, message = BAD[case]
    if options.get("label") == "is_synthetic":
        options = options | {"entity_df": shop.table.rename_columns([*shop.table.column_names[:-1], "is_synthetic"])}
    with pytest.raises(kind, match=message):
        shop.create(**options)
    assert not list(shop.path.glob("pay/v*"))


def test_what_cannot_be_resampled_is_named_with_its_remedy(shop):
    table = shop.table.append_column("day", shop.table["at"].cast(pa.date32()))
    with pytest.raises(
        ContractError, match=r"column 'day' has type date32\[day\].*leave it out by naming the features"
    ):
        shop.create(entity_df=table)
    assert shop.create(entity_df=table, features=["amount", "score"]).version == 1


def test_a_time_that_is_not_said_to_be_the_event_time_is_named_with_its_remedy(shop):
    with pytest.raises(ContractError, match=r"column 'at' has type timestamp.*or say that it is the event time"):
        shop.create(timestamp=None)


def test_a_catalogue_without_a_name_is_not_the_current_directory(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="--catalog must name a directory, got ''"):
        create_snapshot("", name="pay", entity_df=shop.table, label="fraud", join_keys=["customer_id"])


def test_a_column_that_stands_twice_is_named(shop):
    table = shop.table.append_column("amount", shop.table["amount"])
    with pytest.raises(ContractError, match="column 'amount' stands twice in the table: rename"):
        shop.create(entity_df=table)


def test_the_column_of_the_event_time_is_named_as_the_table_has_it(shop):
    with pytest.raises(DataError, match="column 'visits' must be a timestamp, got int16"):
        shop.create(timestamp="visits", features=["amount"])


def test_a_version_in_use_is_spared(shop):
    shop.create()
    shop.create(seed=2)
    file = shop.path / "pay" / "datasets.json"
    data = json.loads(file.read_text())
    data["datasets"]["pay_v0001_train"]["tags"]["model"] = "fraud-7"
    file.write_text(json.dumps(data))
    assert shop.check(1).ok
    with pytest.raises(GateError, match="tagged model=fraud-7"):
        prune_snapshot(shop.path, name="pay", version=1)
    with pytest.warns(SnapshotWarning, match="version 1 is kept beside the newest"):
        assert prune_snapshot(shop.path, name="pay", keep=1) == []
    (shop.path / "pay" / "v0001" / "manifest.json").write_text("{")
    with pytest.raises(GateError, match="tagged model=fraud-7"):
        prune_snapshot(shop.path, name="pay", version=1)


DAMAGE = {
    "": "delete it",
    "[" * 100_000: "delete it",
    '{"format": 1, "datasets": 3}': "delete it",
    '{"format": 9}': "release",
}


@pytest.mark.parametrize(("damage", "remedy"), DAMAGE.items())
def test_an_index_that_cannot_be_read_stops_what_writes_it_and_is_made_anew(shop, damage, remedy):
    shop.create()
    file = shop.path / "pay" / "datasets.json"
    file.write_text(damage)
    assert any("datasets.json" in problem for problem in shop.check().problems)
    with pytest.raises(CorruptStateError, match=remedy):
        shop.create(seed=2)
    assert [manifest.version for manifest in list_snapshots(shop.path)] == [1]
    file.unlink()
    assert shop.create().reused
    assert shop.check().problems == ()


def test_a_version_belongs_to_the_kind_of_registry_that_made_it(shop, project):
    shop.create()
    project.create()
    for command in (verify_snapshot, rebuild_snapshot):
        with pytest.raises(
            InvalidInputError, match=r"was made of a table, in a plain catalogue: name that \(--catalog\)"
        ):
            command(project.reopened(), name="pay", root=shop.path)
        with pytest.raises(InvalidInputError, match=r"was made of Feast project 'shop': name that \(--repo\)"):
            command(project.root, name="pay")
    with pytest.raises(InvalidInputError, match="was made of Feast project 'shop'"):
        prune_snapshot(project.root, name="pay", version=1)
    with pytest.raises(InvalidInputError, match="was made of Feast project 'shop'"):
        forget_entity(project.root, name="pay", entity="7")
    with pytest.raises(InvalidInputError, match="was made of a table"):
        project.create(root=shop.path)
    with pytest.raises(InvalidInputError, match="is a Feast repository"):
        create_snapshot(project.path, name="pay", label="fraud", entity_df=shop.table, join_keys=["customer_id"])


def test_the_readme_shows_what_works_without_feast(shop, tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    section = page.partition("### Without a feature store")[2].partition("\n## ")[0]
    shell, python = (fence.partition("\n")[2] for fence in section.split("```")[1:4:2])
    table = shop.table.rename_columns({"customer_id": "account", "fraud": "is_fraud"})
    pq.write_table(table, tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    lines = shell.replace("\\\n", "").splitlines()
    done = without_feast(*(shlex.split(line)[2:] for line in lines))
    assert [code for code, _, _ in done] == [0, 0], done
    names: dict = {}
    exec(python, names)  # noqa: S102 - the page's own words
    assert names["train"]["is_synthetic"].to_numpy().any()
