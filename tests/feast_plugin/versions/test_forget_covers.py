"""Nothing that commands write of an entity's rows is left when it is forgotten, in whatever file it stood."""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin.cli import snapshot
from feast_plugin.versions.files.catalog import Catalog
from resampler.commands.advise import advise
from resampler.commands.drift import drift
from resampler.commands.gate import gate
from resampler.commands.retrain import retrain
from resampler.ledger import Ledger
from resampler.runs.forgetting import Values
from resampler.storage import Location

KEY, CATEGORY, NUMBER, INTEGER = "Xq7-nobody", "Xq7-category", 77123.4375, 7712343
TRAINING = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
rows = pq.read_table(sys.argv[1])
score = 1 / (1 + 2.718281828 ** (-(rows["amount"].to_numpy() - 60) / 50))
pq.write_table(pa.table({"y_true": rows["fraud"], "score": score, "country": rows["country"]}), sys.argv[2])
"""


def rows(n, seed):
    """Rows of which three, two of them of the rare class, have what no other has."""
    rng = np.random.default_rng(seed)
    fraud = (np.arange(n) % 5 == 0).astype(np.int64)
    columns = {
        "customer": np.array([f"c{i // 3}" for i in range(n)], dtype=object),
        "id": np.arange(n),
        "amount": rng.gamma(2.0, 30.0, n) + 40 * fraud,
        "visits": rng.integers(0, 50, n),
        "country": rng.choice(["CH", "DE", "FR"], n).astype(object),
    }
    for i in (10, 11, 35):
        for name, value in zip(
            ("customer", "amount", "visits", "country"), (KEY, NUMBER, INTEGER, CATEGORY), strict=True
        ):
            columns[name][i] = value
    table = pa.table({name: pa.array(values.tolist()) for name, values in columns.items()} | {"fraud": fraud})
    sides = np.where(np.arange(n) < n // 2, "train", np.where(np.arange(n) < 3 * n // 4, "validation", "test"))
    return table.append_column("side", pa.array(sides.tolist()))


def told(place):
    """Name the files that hold one of the values, in their bytes or, of a Parquet file, in its rows."""
    texts = [KEY.encode(), CATEGORY.encode(), b"77123.4375", str(INTEGER).encode()]
    binary = [struct.pack("<d", NUMBER), struct.pack("<f", NUMBER), struct.pack("<q", INTEGER)]
    found = set()
    for file in place.rglob("*"):
        if not file.is_file():
            continue
        data = file.read_bytes()
        if file.suffix == ".parquet":
            data += json.dumps(pq.read_table(file).to_pydict(), default=str).encode()
        if any(value in data for value in texts + binary):
            found.add(file.relative_to(place).as_posix().split("/", 1)[1])
    return found


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept" / "cache"))
    monkeypatch.chdir(tmp_path)

    def _run(command, *words, codes=(0,)):
        done = CliRunner().invoke(command, [str(word) for word in words])
        code = getattr(done.exception, "exit_code", done.exit_code)
        assert code in codes, (words, done.output, done.exception)
        return done.output

    return _run


@pytest.mark.slow
def test_no_file_of_any_command_holds_what_was_forgotten(run, tmp_path):
    pq.write_table(rows(600, 3), "rows.parquet")
    today = rows(900, 9).drop_columns("side")
    pq.write_table(today, "today.parquet")
    score = np.random.default_rng(0).random(900) / 2 + np.asarray(today["fraud"]) / 2
    predictions = {"y_true": today["fraud"], "score": score, "country": today["country"], "visits": today["visits"]}
    pq.write_table(pa.table(predictions), "predictions.parquet")
    Path("policy.toml").write_text('[gate]\nrecall = 0.01\nslices = ["country", "visits"]\n')
    Path("train.py").write_text(TRAINING)

    place = ("--catalog", "kept/cat")
    asked = (*place, "--name", "pay", "--entity-df", "rows.parquet", "--label", "fraud", "--join-keys", "customer,id")
    asked = (*asked, "--split", "column:side", "--ratio", 0.5)
    run(snapshot, "create", *asked, "--audit-sample", 120, "--audit-root", "kept/apart")
    more = ("--undersample", 0.4, "--clean", "tomek", "--retain", "sample", "--seed", 1)
    run(snapshot, "create", *asked, *more, "--audit-sample", 120)
    run(snapshot, "alias", "pay", "prod", 1, *place)
    run(advise, "--snapshot", "pay:1", *place, "--learner", "logistic", "--folds", 2, "--seeds", 2, codes=(0, 3))
    run(gate, "predictions.parquet", "--snapshot", "pay:1", *place, "--policy", "policy.toml", codes=(0, 3))
    run(drift, "--snapshot", "pay:prod", *place, "--against", "today.parquet", codes=(0, 3))
    table = {"entity_df": "rows.parquet", "label": "fraud", "join_keys": ["customer", "id"], "split": "column:side"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()]
    step = f'command = ["{sys.executable}", "train.py", "{{validation_path}}", "{{predictions}}"]'
    policy = [
        '[retrain]\nagainst = "today.parquet"\n[snapshot]\nname = "loop"\ncatalog = "kept/cat"',
        *lines,
        "ratio = 0.5",
    ]
    Path("loop.toml").write_text(
        "\n".join([*policy, "[train]", step, "[gate]", "recall = 0.01", 'slices = ["country"]'])
    )
    run(retrain, "--policy", "loop.toml", codes=(0, 3))
    run(retrain, "--policy", "loop.toml", codes=(0, 3))

    held = told(tmp_path / "kept")
    assert {"pay/v0001/profile.json", "pay/v0002/left-out.parquet", "pay/v0001.jsonl"} <= held
    assert {name.split("-")[1] for name in held if "/ledger/" in name} >= {"gate", "drift"}
    for name in ("pay", "loop"):
        before = {run.step: run.outcome for run in Ledger(f"kept/cat/{name}/ledger").runs()}
        run(snapshot, "forget", *place, "--name", name, "--entity", KEY)
        assert {run.step: run.outcome for run in Ledger(f"kept/cat/{name}/ledger").runs()} == before
        run(snapshot, "verify", *place, "--name", name)
    assert told(tmp_path / "kept") == set()
    assert [*(tmp_path / "kept" / "apart" / "pay").iterdir()] == [tmp_path / "kept" / "apart" / "pay" / "v0003.jsonl"]
    run(retrain, "--policy", "loop.toml", codes=(0, 3))


def test_a_version_without_the_entity_says_how_many_training_rows_it_was_made_of(run):
    pq.write_table(rows(600, 3), "rows.parquet")
    place = ("--catalog", "kept/cat", "--name", "pay")
    asked = (*place, "--entity-df", "rows.parquet", "--label", "fraud", "--join-keys", "customer,id", "--ratio", 0.5)
    catalog = Catalog.open("pay", "kept/cat")
    for more, real in ((), {"0": 240, "1": 60}), (("--clean", "tomek"), {"0": 240, "1": 60}):
        run(snapshot, "create", *asked, "--split", "column:side", *more)
        assert catalog.load().training_rows == real
    run(snapshot, "forget", *place, "--entity", KEY)
    for version in (3, 4):
        assert catalog.load(version).training_rows == {"0": 239, "1": 58}


def test_what_a_killed_run_left_is_gone_too(run, tmp_path):
    pq.write_table(rows(600, 3), "rows.parquet")
    place = ("--catalog", "kept/cat", "--name", "pay")
    asked = (*place, "--entity-df", "rows.parquet", "--label", "fraud", "--join-keys", "customer,id", "--ratio", 0.5)
    run(snapshot, "create", *asked, "--split", "column:side")
    debris = tmp_path / "kept" / "cat" / "pay" / "v0002"
    debris.mkdir()
    pq.write_table(rows(600, 3), debris / "part.parquet")
    run(snapshot, "forget", *place, "--entity", KEY)
    assert told(tmp_path / "kept") == set()


@pytest.mark.parametrize(
    ("found", "masked"),
    [
        (
            {"slices": {"country": {"Xq7": {"rows": 2}, "CH": 1}}},
            {"slices": {"country": {"forgotten": {"rows": 2}, "CH": 1}}},
        ),
        ({"rule": "recall where country = Xq7"}, {"rule": "recall where country = forgotten"}),
        ({"group": "country=Xq7, visits=7"}, {"group": "country=forgotten, visits=forgotten"}),
        ({"group": "visits=70", "rows": 7}, {"group": "visits=70", "rows": 7}),
        ([["Xq7", 0.1], ["Xq75", 0.2]], [["forgotten", 0.1], ["Xq75", 0.2]]),
        ({"visits": {"7": 1, "8": 2}}, {"visits": {"forgotten": 1, "8": 2}}),
        ({"verdict": "no", "why": "in 7 rows"}, {"verdict": "no", "why": "in 7 rows"}),
    ],
)
def test_values_are_masked_where_they_stand_for_a_row(found, masked):
    values = Values({"Xq7", "no"}, {"country": {"Xq7", "no"}, "visits": {"7"}})
    assert values.masked(found) == masked


def test_a_journal_that_is_unfinished_is_masked(tmp_path):
    from resampler.runs.forgetting import forget_figures

    file = tmp_path / "retrain" / "unfinished.json"
    file.parent.mkdir()
    file.write_text(
        json.dumps({"format": 1, "policy": "x", "steps": {"drift": {"moved": [["Xq7", 1]], "outcome": "no"}}})
    )
    forget_figures(Location.parse(tmp_path), ["0" * 64], Values({"Xq7"}, {}))
    assert json.loads(file.read_text())["steps"] == {"drift": {"moved": [["forgotten", 1]], "outcome": "no"}}
