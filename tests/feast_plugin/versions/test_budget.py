"""What making a version may spend: it stops in order, goes on to the same bytes, and says what it cost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot, forget_entity, verify_snapshot
from feast_plugin.cli import snapshot
from feast_plugin.notices import SnapshotWarning
from feast_plugin.versions.inputs.tombstones import ForgottenMeanwhileError, Tombstones
from resampler.budget import BudgetError, StoppedError, memory_bytes
from resampler.errors import CorruptStateError, DataError, GateError, InvalidInputError, ResamplerError
from resampler.ledger import Ledger
from resampler.storage import Location
from resampler.unfinished import FILE, FOLDER, unfinished

CHILD = Path(__file__).parent / "budget_child.py"
SOON = {"max_seconds": 1e-6, "resume": "latest"}  # a part a run


def rows(n=600, seed=0, entity=()):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 10 == 0, "rare", np.where(np.arange(n) % 7 == 0, "odd", "usual"))
    table = {
        "id": np.arange(n),
        "at": pa.array(np.datetime64("2026-01-01", "us") + np.arange(n).astype("m8[h]"), pa.timestamp("us", "UTC")),
        "shop": pa.array([f"s{i % 2}" for i in range(n)]),
        "amount": rng.normal(size=n) + 3 * (y == "rare"),
        "visits": rng.integers(0, 50, n),
        "y": pa.array(y.tolist()),
    }
    for name, value in entity:
        table[name][0] = value
    return pa.table(table)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(rows(), path)
    return path


def make(root, table, **options):
    given = {"name": "pay", "label": "y", "join_keys": ["id"], "timestamp": "at", "ratio": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SnapshotWarning)
        return create_snapshot(root, entity_df=table, **given | options)


def in_parts(root, table, **options):
    """Stop before every part, and go on, until the version is there; return it, and what was stopped."""
    stops = []
    while True:
        try:
            return make(root, table, **options, **SOON), stops
        except StoppedError as error:
            stops.append(error)
            assert not (root / "pay" / "v0001").exists()
            assert len(stops) < 20


def files(snapshot):
    """Every file of a version but those that say when it was made and what it cost."""
    home = Path(snapshot.uri)
    apart = ("manifest.json", "report.html")
    return {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file() and p.name not in apart}


def said(snapshot):
    """Its manifest without those."""
    data = json.loads(snapshot.manifest.to_json())
    data["notes"].pop("cost")
    for name in ("created", "report", "checksums"):
        data.pop(name)
    return data


OPTIONS = {
    "plain": {},
    "two classes more, nothing of their rows stored": {"retain": "recipe"},
    "a sample stored, and shown to auditors": {"retain": "sample", "audit_sample": 5},
    "within subgroups": {"group_by": "shop", "k_neighbors": 2},
    "cleaned, without noise": {"clean": "tomek", "exclude_noisy": True},
    "hard rows": {"sampler": "borderline"},
    "noise about rows": {"sampler": "random", "shrinkage": 0.5},
    "nothing to make": {"ratio": 0.05, "if_reached": "publish"},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_version_that_was_stopped_at_every_part_is_the_same(kind, table, tmp_path):
    options = OPTIONS[kind]
    whole = make(tmp_path / "whole", table, **options)
    parted, stops = in_parts(tmp_path / "parted", table, **options)
    assert len(stops) >= 5
    assert len({error.resume for error in stops}) == 1
    assert said(parted) == said(whole)
    assert files(parted) == files(whole)
    assert parted.digest == whole.digest
    assert verify_snapshot(tmp_path / "parted", name="pay").problems == ()
    assert not list((tmp_path / "parted" / "pay" / FOLDER).iterdir())


def test_what_it_cost_stands_in_manifest_and_ledger(table, tmp_path):
    made, stops = in_parts(tmp_path, table)
    cost = made.manifest.notes["cost"]
    assert cost["runs"] == len(stops) + 1
    assert cost["cpu_seconds"] >= sum(error.cost["cpu_seconds"] for error in stops)
    assert cost["peak_memory_bytes"] >= max(error.cost["peak_memory_bytes"] for error in stops)
    assert cost["written_bytes"] > Path(made.uri, "lineage.parquet").stat().st_size
    runs = list(Ledger(tmp_path / "pay" / "ledger").runs("snapshot"))
    assert [run.outcome for run in runs] == ["stopped"] * len(stops) + ["pass"]
    assert runs[0].details == stops[0].to_dict()
    assert runs[-1].details["cost"] == made.cost
    assert runs[-1].details["digest"] == made.digest
    assert set(cost) - {"runs"} == set(made.cost)


@pytest.mark.parametrize(
    ("call", "after"), [*((call, "after") for call in range(1, 9)), *((call, "before") for call in (1, 3, 6))]
)
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(call, after, table, tmp_path):
    words = [sys.executable, str(CHILD), str(tmp_path / "killed"), str(table), str(call), after]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    home = Location.parse(tmp_path / "killed" / "pay")
    (run,) = unfinished(home)
    assert len(run.parts) == call - (after == "before")
    made = make(tmp_path / "killed", table, resume="latest")
    whole = make(tmp_path / "whole", table)
    assert files(made) == files(whole)
    assert said(made) == said(whole)
    assert unfinished(home) == []


def test_rows_that_come_meanwhile_are_in_the_next_version(table, tmp_path):
    first = make(tmp_path / "whole", table)
    with pytest.raises(StoppedError):
        make(tmp_path / "parted", table, **SOON)
    pq.write_table(rows(n=700), table)
    with pytest.warns(SnapshotWarning, match="going on with the 600 rows that were read at 20"):
        made = create_snapshot(
            tmp_path / "parted",
            name="pay",
            label="y",
            join_keys=["id"],
            timestamp="at",
            ratio=0.5,
            entity_df=table,
            resume="latest",
        )
    assert files(made) == files(first)
    assert make(tmp_path / "parted", table, resume="latest").manifest.inputs["rows"] == 700


def test_a_run_of_other_inputs_is_not_gone_on_with(table, tmp_path):
    with pytest.raises(StoppedError) as stopped:
        make(tmp_path, table, **SOON)
    token = stopped.value.resume
    with pytest.raises(InvalidInputError, match=rf"resume '{token}' is of other inputs .*: recipe .*'seed': '0'"):
        make(tmp_path, table, seed=3, resume=token)
    with pytest.raises(InvalidInputError, match=f"resume 'beef' names no unfinished run of this snapshot, .*{token}"):
        make(tmp_path, table, resume="beef")
    with pytest.raises(InvalidInputError, match="resume must be 'latest' or the token"):
        make(tmp_path, table, resume="newest")
    with pytest.raises(InvalidInputError, match=f"an unfinished run of the same inputs.* --resume {token}"):
        make(tmp_path, table, max_seconds="1h")
    assert make(tmp_path, table, seed=3, resume="latest").version == 1  # anew, for there is none of these inputs
    assert make(tmp_path, table, resume=token[:6]).version == 2


def test_a_run_without_a_budget_keeps_nothing_and_names_what_is_unfinished(table, tmp_path):
    with pytest.raises(StoppedError):
        make(tmp_path, table, **SOON)
    with pytest.warns(SnapshotWarning, match="unfinished run .* --resume latest goes on with its like"):
        create_snapshot(
            tmp_path,
            name="pay",
            label="y",
            join_keys=["id"],
            timestamp="at",
            entity_df=table,
        )
    assert len(unfinished(Location.parse(tmp_path / "pay"))) == 1


def test_only_its_owner_reads_what_is_unfinished_and_only_one_works_on_it(table, tmp_path):
    with pytest.raises(StoppedError) as stopped:
        make(tmp_path, table, **SOON)
    folder = tmp_path / "pay" / FOLDER / stopped.value.resume
    assert folder.stat().st_mode & 0o777 == 0o700
    with Location.parse(folder).locked(), pytest.raises(ResamplerError, match="another process is at work"):
        make(tmp_path, table, resume="latest")


def test_what_was_damaged_is_made_again_but_for_rows(table, tmp_path):
    whole = make(tmp_path / "whole", table)
    for _ in range(6):
        with pytest.raises(StoppedError) as stopped:
            make(tmp_path / "parted", table, **SOON)
    folder = tmp_path / "parted" / "pay" / FOLDER / stopped.value.resume
    states = list(folder.glob("*.state"))
    assert len(states) == 2
    states[0].write_bytes(b"")
    states[1].unlink()
    (folder / "files" / "train" / "part-00000.parquet").write_bytes(b"")
    said = json.loads((folder / FILE).read_text())
    plain = [name for name, part in said["parts"].items() if "data" in part]
    assert plain
    for name in plain:
        said["parts"][name]["data"] = "{"
    (folder / FILE).write_text(json.dumps(said))
    assert files(make(tmp_path / "parted", table, resume="latest")) == files(whole)
    with pytest.raises(StoppedError) as stopped:
        make(tmp_path / "parted", table, seed=2, **SOON)
    folder = tmp_path / "parted" / "pay" / FOLDER / stopped.value.resume
    (folder / "rows.arrow").write_bytes(b"")
    with pytest.raises(CorruptStateError, match="rows of the unfinished run are damaged, and it was removed"):
        make(tmp_path / "parted", table, seed=2, resume="latest")
    assert not folder.exists()


def test_rows_that_are_forgotten_wait_in_no_unfinished_run(table, tmp_path):
    make(tmp_path, table)
    for seed in (1, 2):
        for _ in range(7):
            with pytest.raises(StoppedError):
                make(tmp_path, table, seed=seed, **SOON)
    waiting = [pq.read_table(file) for file in (tmp_path / "pay" / FOLDER).rglob("train/part-*.parquet")]
    assert [10 in one["id"].to_pylist() for one in waiting] == [True, True]
    with pytest.warns(SnapshotWarning, match="unfinished runs .* are removed, for they may hold rows of id=10"):
        forget_entity(tmp_path, name="pay", entity="id=10")
    assert unfinished(Location.parse(tmp_path / "pay")) == []
    assert list((tmp_path / "pay" / FOLDER).iterdir()) == []
    made, _ = in_parts_of(tmp_path, table, seed=1)
    assert 10 not in pq.read_table(f"{made.uri}/train/part-00000.parquet")["id"].to_pylist()


def in_parts_of(root, table, **options):
    stops = 0
    while True:
        try:
            return make(root, table, **options, **SOON), stops
        except StoppedError:
            stops += 1


def test_who_is_forgotten_while_a_run_is_at_work_ends_it(table, tmp_path, monkeypatch):
    make(tmp_path, table)
    from feast_plugin.versions import write

    genuine = write.augment_training

    def forgotten_meanwhile(*args, **kwargs):
        Tombstones.read(Location.parse(tmp_path / "pay")).add([{"id": pa.scalar(10)}])
        return genuine(*args, **kwargs)

    monkeypatch.setattr(write, "augment_training", forgotten_meanwhile)
    with pytest.raises(ForgottenMeanwhileError, match="an entity was forgotten"):
        make(tmp_path, table, seed=1, resume="latest")
    assert list((tmp_path / "pay" / FOLDER).iterdir()) == []


def test_what_is_unfinished_is_pruned_when_asked_and_when_it_is_old(table, tmp_path):
    words = ["prune", "--catalog", str(tmp_path), "--name", "pay", "--unfinished"]
    assert "removed nothing" in CliRunner().invoke(snapshot, words).output
    for seed in (1, 2):
        with pytest.raises(StoppedError) as stopped:
            make(tmp_path, table, seed=seed, **SOON)
    file = tmp_path / "pay" / FOLDER / stopped.value.resume / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"begun": "2026-01-01T00:00:00+00:00"}))
    (tmp_path / "pay" / FOLDER / "debris").mkdir()
    make(tmp_path, table)
    (left,) = unfinished(Location.parse(tmp_path / "pay"))
    assert [one.name for one in (tmp_path / "pay" / FOLDER).iterdir()] == [left.token]
    result = CliRunner().invoke(snapshot, [*words, "--json"])
    assert json.loads(result.stdout) == {"name": "pay", "unfinished": [left.token]}
    assert list((tmp_path / "pay" / FOLDER).iterdir()) == []


def test_more_rows_than_allowed_are_refused_before_any_work(table, tmp_path):
    with pytest.raises(BudgetError, match=r"max_rows=599 is too little: there are 600 rows, .*--max-rows"):
        make(tmp_path, table, max_rows=599)
    assert not (tmp_path / "pay").exists()
    with pytest.raises(BudgetError, match="600 rows"):
        make(tmp_path, table, max_rows=599, resume="latest")
    assert unfinished(Location.parse(tmp_path / "pay")) == []
    assert make(tmp_path, table, max_rows=600).version == 1


def test_memory_that_is_not_there_is_refused_with_the_figure(table, tmp_path):
    with pytest.raises(BudgetError, match=r"max_memory=2.0 MiB is too little for reading: about .* allow"):
        make(tmp_path, table, max_memory="2MiB")
    assert not (tmp_path / "pay").exists()
    assert make(tmp_path, table, max_memory="8GiB").version == 1


def test_few_rows_of_many_columns_ask_for_no_whole_batch(tmp_path):
    table = rows(300)
    for i in range(200):  # a batch of 131,072 rows of them would be 3.4 GiB
        table = table.append_column(f"e{i}", table["amount"])
    pq.write_table(table, tmp_path / "wide.parquet")
    needed = memory_bytes() + 2**29
    assert make(tmp_path, tmp_path / "wide.parquet", max_memory=str(needed)).version == 1


def test_what_a_gate_refuses_is_not_kept(table, tmp_path):
    with pytest.raises(GateError):
        make(tmp_path, table, ratio=0.05, resume="latest")
    assert unfinished(Location.parse(tmp_path / "pay")) == []
    (run,) = Ledger(tmp_path / "pay" / "ledger").runs("snapshot")
    assert run.outcome == "no"
    with pytest.raises(DataError):
        make(tmp_path, table, k_neighbors=500, resume="latest")
    assert unfinished(Location.parse(tmp_path / "pay")) == []


def test_a_release_keeps_no_real_rows_beside_it(table, tmp_path, monkeypatch):
    monkeypatch.setenv("KEY", "0123456789abcdef" * 4)
    options = {"sampler": "hardened", "secret_key": "env:KEY", "release": True}
    with pytest.raises(InvalidInputError, match="release publishes no real row of the rarer classes"):
        make(tmp_path, table, **options, max_seconds=1)
    assert make(tmp_path, table, **options, max_memory="8GiB").version == 1


def test_hardened_rows_come_out_the_same(table, tmp_path, monkeypatch):
    monkeypatch.setenv("KEY", "0123456789abcdef" * 4)
    options = {"sampler": "hardened", "secret_key": "env:KEY"}
    whole = make(tmp_path / "whole", table, **options)
    parted, _ = in_parts(tmp_path / "parted", table, **options)
    assert files(parted) == files(whole)


def test_rows_of_a_feature_store_are_retrieved_once(project):
    whole = project.create(feature_service="all")
    stops = 0
    while True:
        try:
            made = project.create(feature_service="all", root=project.path / "parted", name="paid", **SOON)
            break
        except StoppedError:
            stops += 1
    assert stops >= 5
    assert files(made) == files(whole)
    assert project.create(feature_service="all", max_rows=400).reused
    with pytest.raises(BudgetError, match="there are 400 rows"):
        project.create(feature_service="all", max_rows=399)


def test_the_command_says_how_to_go_on_and_exits_with_4(table, tmp_path):
    words = ["create", "--catalog", str(tmp_path), "--name", "pay", "--label", "y", "--join-keys", "id"]
    words += ["--timestamp", "at", "--ratio", "0.5", "--entity-df", str(table), "--resume", "latest"]
    result = CliRunner().invoke(snapshot, [*words, "--max-seconds", "0.001", "--json"], standalone_mode=False)
    assert result.return_value == 4
    data = json.loads(result.stdout)
    assert set(data) == {"stopped", "resume", "cost"}
    assert data["stopped"] == "max_seconds"
    result = CliRunner().invoke(snapshot, [*words, "--max-seconds", "0.001"])
    assert isinstance(result.exception, StoppedError)
    assert f"nothing is published: run it again with --resume {data['resume']}" in str(result.exception)
    result = CliRunner().invoke(snapshot, words)
    assert result.exit_code == 0
    assert "s of processor time in" in result.stdout
