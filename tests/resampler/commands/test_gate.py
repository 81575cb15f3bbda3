"""The command: exit codes, JSON, the ledger and what it lists, by real processes and a real snapshot."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from predicted import made

from feast_plugin import alias_snapshot, create_snapshot
from resampler.commands.gate import gate
from resampler.errors import DataError, InvalidInputError
from resampler.ledger import Ledger, Run, now

PASSING = "[gate]\nrecall = 0.4\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pq.write_table(made(), "p.parquet")
    (tmp_path / "pass.toml").write_text(PASSING)
    (tmp_path / "no.yaml").write_text("gate: {recall: 0.99}\n")
    (tmp_path / "unknown.toml").write_text("[gate]\nrecall = 0.4\nslices = ['big']\n")
    return tmp_path


def run(*words):
    command = [sys.executable, "-m", "resampler", "gate", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def called(*words):
    """Call the command in this process; return its exit code and what it printed, or raise its error."""
    found = CliRunner().invoke(gate, list(words), standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    return found.return_value, found.stdout, found.stderr


def test_exit_codes_of_processes(place):
    for words, code in (
        (["--policy", "pass.toml"], 0),
        (["--policy", "no.yaml"], 3),
        (["--policy", "unknown.toml"], 0),
        (["--policy", "unknown.toml", "--strict"], 3),
    ):
        done = run("p.parquet", *words)
        assert done.returncode == code, done.stderr
    pq.write_table(made(columns={"score": np.full(4000, np.nan)}), "nan.parquet")
    done = run("nan.parquet", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: 'score' of predictions 'nan.parquet' must lie from 0 to 1")
    for words in ([], ["p.parquet", "--policy", "none.toml"], ["p.parquet", "--nonsense"], ["--history", "3"]):
        done = run(*words)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_json_is_one_object_and_words_are_one_screen(place):
    code, out, err = called("p.parquet", "--policy", "no.yaml", "--json")
    found = json.loads(out)
    assert (code, found["verdict"], found["rows"], found["subject"]) == (3, "no", 4000, "p.parquet")
    assert found["rules"][0] | {"value": 0, "low": 0, "high": 0, "rows": 0} == {
        "rule": "recall",
        "verdict": "no",
        "value": 0,
        "low": 0,
        "high": 0,
        "rows": 0,
        "limit": {"min": 0.99, "max": None},
        "why": "the whole interval breaks the limit",
    }
    assert err == "Note: kept in no ledger: give --ledger or --snapshot\n"
    (place / "many.toml").write_text("[gate]\nrecall = 0.99\nbrier = 0.3\nslices = ['cell']\n")
    pq.write_table(made(columns={"cell": np.arange(4000) % 40}), "many.parquet")
    _, out, _ = called("many.parquet", "--policy", "many.toml")
    lines = out.splitlines()
    assert len(lines) < 30
    assert lines[0] == "gate says no to many.parquet: 4,000 rows, 833 of class True"
    assert lines[2].split()[:2] == ["no", "recall"]
    assert "more rules" in lines[-1]
    _, out, err = called("p.parquet")
    assert "Note: no policy sets a limit: these are the guide's" in err
    assert [line.split()[1] for line in out.splitlines()[2:]] == ["recall", "f1", "precision"]


@pytest.mark.parametrize("name", ["p.csv", "p.arrow", "p.feather"])
def test_other_files(name, place):
    write = pyarrow.csv.write_csv if name.endswith("csv") else pyarrow.feather.write_feather
    write(made(), name)
    found = json.loads(called(name, "--policy", "no.yaml", "--json")[1])
    same = json.loads(called("p.parquet", "--policy", "no.yaml", "--json")[1])
    assert found["figures"] == same["figures"]


def test_runs_are_kept_and_counted(place):
    for policy in ("pass.toml", "no.yaml", "pass.toml"):
        called("p.parquet", "--policy", policy, "--ledger", "kept")
    runs = list(Ledger("kept").runs("gate"))
    assert [run.outcome for run in runs] == ["pass", "no", "pass"]
    assert runs[0].key == runs[2].key != runs[1].key
    assert runs[1].details["rules"][0]["rule"] == "recall"
    Ledger("kept").append(Run("retrain", "failed", "k", "fraud", now()))
    code, out, _ = called("--history", "2", "--ledger", "kept")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()[1:3]] == ["pass", "no"]
    assert "1 of the last 2 gates passed: 50 % (9.45 % to 90.5 %)" in out
    assert "0 of the last 1 retrain runs passed" in out
    found = json.loads(called("--history", "5", "--ledger", "kept", "--json")[1])
    assert [run["outcome"] for run in found["runs"]] == ["pass", "no", "pass"]
    assert found["success"]["gate"]["passed"] == 2
    assert called("--history", "5", "--ledger", "empty")[1] == "no gate has run here yet\n"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    root = tmp_path_factory.mktemp("catalog")
    rng = np.random.default_rng(0)
    at = np.datetime64("2024-01-01", "us") + np.arange(2000) * np.timedelta64(1, "h")
    y = rng.random(2000) < 0.08
    rows = pa.table({"id": np.arange(2000), "at": at, "a": rng.normal(size=2000) + 2 * y, "y_true": y})
    for seed in (0, 1):
        create_snapshot(
            root, name="t", entity_df=rows, label="y_true", join_keys=["id"], timestamp="at", ratio=0.5, seed=seed
        )
    alias_snapshot(root, name="t", alias="prod", version=1)
    return root


@pytest.fixture
def snapshot(place, catalog):
    shutil.copytree(catalog, "c")
    for split in ("train", "validation"):
        table = pq.read_table(place / "c" / "t" / "v0002" / split)
        score = 1 / (1 + np.exp(-(3 * table["a"].to_numpy() - 4)))
        pq.write_table(table.append_column("score", pa.array(score)), f"{split}.parquet")
    return ["--snapshot", "t", "--catalog", "c"]


def test_a_version_knows_its_rows_and_keeps_its_runs(snapshot, place):
    (place / "gap.toml").write_text(
        "[gate]\nvalidation_gap = 0.5\nsynthetic_ratio = [0.1, 0.5]\n[gate.baseline]\nf1 = 0.1\nversion = 't:prod'\n"
    )
    with pytest.raises(DataError, match=r"no gate has measured t version 1, in .*ledger: run one on its predictions"):
        called("validation.parquet", "--policy", "gap.toml", "--train", "train.parquet", *snapshot)
    called("validation.parquet", "--policy", "pass.toml", "--snapshot", "t:1", "--catalog", "c")
    words = ["--policy", "gap.toml", "--train", "train.parquet", *snapshot, "--json"]
    code, out, err = called("validation.parquet", *words)
    found = json.loads(out)
    assert (code, found["subject"], found["baseline"]) == (0, "t version 2", "t version 1")
    assert "Note: compared with t version 1 as rows that were not shared" in err
    assert "Note: validation_gap_augmented is " in err
    assert [rule["rule"] for rule in found["rules"]] == ["validation_gap", "synthetic_ratio", "f1 against t version 1"]
    assert found["rules"][1]["value"] == pytest.approx(1 - 1 / (1 + 0.5 * 0.92), abs=0.05)
    assert [run.subject for run in Ledger(place / "c" / "t" / "ledger").runs("gate")] == ["t version 1", "t version 2"]
    assert "t version 2" in called("--history", "1", *snapshot)[1]
    # training rows need no flag where the version knows them
    pq.write_table(pq.read_table("train.parquet").drop_columns("is_synthetic"), "unflagged.parquet")
    words[3] = "unflagged.parquet"
    assert json.loads(called("validation.parquet", *words)[1])["rules"][0] == found["rules"][0]


def test_rows_of_the_training_split_are_refused(snapshot, place):
    with pytest.raises(DataError, match=r"rows are synthetic .their file says so., the first id=-"):
        called("train.parquet", *snapshot)
    unflagged = pq.read_table("train.parquet").drop_columns("is_synthetic")
    pq.write_table(unflagged, "unflagged.parquet")
    with pytest.raises(DataError, match=r"rows are synthetic .t version 2 made them., the first id=-"):
        called("unflagged.parquet", *snapshot)
    pq.write_table(unflagged.filter(pa.compute.greater_equal(unflagged["id"], 0)), "real.parquet")
    with pytest.raises(DataError, match="1,400 of 1,400 rows are training rows of t version 2, the first id="):
        called("real.parquet", *snapshot)
    pq.write_table(pq.read_table("validation.parquet", columns=["y_true", "score"]), "bare.parquet")
    code, _, err = called("bare.parquet", "--policy", "pass.toml", *snapshot)
    assert code == 0
    assert "has no column 'id', so whether rows of it are synthetic" in err
    timeless = pq.read_table("validation.parquet").drop_columns("event_timestamp")
    pq.write_table(pa.concat_tables([timeless, timeless.slice(3, 1)]), "timeless.parquet")
    words = ["--policy", "pass.toml", "--baseline", "timeless.parquet", *snapshot]
    code, _, err = called("timeless.parquet", *words)
    assert code == 0
    assert "has no column 'event_timestamp', so whether rows stand twice or are training rows is not known" in err
    assert "compared with the baseline row by row" in err  # by position
    twice = pq.read_table("validation.parquet")
    pq.write_table(pa.concat_tables([twice, twice.slice(3, 1)]), "twice.parquet")
    with pytest.raises(DataError, match="1 rows repeat another's id, event_timestamp, such as id="):
        called("twice.parquet", *snapshot)


def test_what_cannot_be_a_baseline(place):
    with pytest.raises(InvalidInputError, match=r"'t:prod' is no file of .* and as a version it needs --snapshot too"):
        called("p.parquet", "--baseline", "t:prod")
    (place / "other.toml").write_text("[gate]\nrecall = 0.5\nkeys = ['customer']\n")
    with pytest.raises(DataError, match=r"\[gate\] keys names column 'customer'"):
        called("p.parquet", "--policy", "other.toml")
