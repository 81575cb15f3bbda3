"""`resampler snapshot alias` and `rollback`, on a plain directory."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from comparisons import comparison

from feast_plugin import create_snapshot
from feast_plugin.cli import snapshot
from resampler.errors import CorruptStateError, DataError, GateError, InvalidInputError
from resampler.runs.advice import keep
from resampler.training_set import open_version


@pytest.fixture
def run(project, tmp_path):
    """Run a command on a catalogue of two versions."""
    table = project.table.select(["customer_id", "event_timestamp", "amount", "score", "fraud"])
    pq.write_table(table, tmp_path / "rows.parquet")
    options = {"join_keys": ["customer_id"], "timestamp": "event_timestamp", "label": "fraud", "ratio": 0.5}
    for seed in (1, 2):
        create_snapshot(tmp_path / "plain", name="pay", entity_df=tmp_path / "rows.parquet", seed=seed, **options)

    def run_one(*words, error=None):
        place = ["--catalog", str(tmp_path / "plain")]
        result = CliRunner().invoke(snapshot, [words[0], *place, *map(str, words[1:])])
        if error is None:
            assert result.exit_code == 0, (result.output, result.exception)
            return result.stdout
        assert isinstance(result.exception, error), result.exception
        return str(result.exception)

    return run_one


def test_an_alias_is_set_moved_listed_rolled_back_and_removed(run):
    assert run("alias", "pay", "prod", 1) == "pay: alias prod points to version 1\n"
    assert run("alias", "pay", "prod") == "pay: alias prod points to version 2, before to version 1\n"
    assert [line.split()[-1] for line in run("list").splitlines()[1:]][1] == "prod"
    assert [one["aliases"] for one in json.loads(run("list", "--json"))["snapshots"]] == [[], ["prod"]]
    assert "alias 'prod' points to it" in run("prune", "--name", "pay", "--version", 2, error=GateError)
    found = json.loads(run("rollback", "pay", "prod", "--json"))
    assert (found["name"], found["alias"], found["version"]) == ("pay", "prod", 1)
    assert [(move["why"], move["before"], move["after"]) for move in found["history"]] == [
        ("alias", None, 1), ("alias", 1, 2), ("rollback", 2, 1),
    ]  # fmt: skip
    run("verify", "--name", "pay", "--version", 1)
    assert run("alias", "pay", "prod", "--remove") == "pay: alias prod points nowhere\n"
    assert run("prune", "--name", "pay", "--version", 1) == "pay: removed version 1\n"


def test_an_auditor_sees_who_moved_what_where(run):
    assert run("alias", "pay") == "pay has no alias\n"
    for words in (("alias", "pay", "prod", 1), ("alias", "pay", "prod", 2), ("rollback", "pay", "prod")):
        run(*words)
    lines = run("alias", "pay").splitlines()
    assert lines[0].split() == ["alias", "when", "by", "command", "from", "to", "now"]
    assert lines[1].startswith("prod   20")
    assert lines[1].endswith("rollback  version 2  version 1  points to version 1")
    assert lines[3].endswith("alias     nowhere    version 1")
    (known,) = json.loads(run("alias", "pay", "--json"))["aliases"]
    assert [move["after"] for move in known["history"]] == [1, 2, 1]
    assert "--remove needs the name" in run("alias", "pay", "--remove", error=InvalidInputError)


def test_a_place_without_snapshots_says_so(tmp_path):
    result = CliRunner().invoke(snapshot, ["list", "--catalog", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"there is no snapshot in {tmp_path}\n"


def test_aliases_that_cannot_be_read_hide_no_version(run, tmp_path):
    run("alias", "pay", "prod", 1)
    (tmp_path / "plain" / "pay" / "aliases.json").write_text("{}")
    result = CliRunner().invoke(snapshot, ["list", "--catalog", str(tmp_path / "plain"), "--json"])
    assert [one["aliases"] for one in json.loads(result.stdout)["snapshots"]] == [None, None]
    assert "aliases.json lists no aliases" in str(result.exception)
    assert "aliases.json lists no aliases" in run("list", error=CorruptStateError)


def test_what_is_refused(run):
    assert "alias must be a letter" in run("alias", "pay", "v2", error=InvalidInputError)
    assert "not both" in run("alias", "pay", "prod", 1, "--remove", error=InvalidInputError)
    assert "has no version 9" in run("alias", "pay", "prod", 9, error=DataError)
    assert "has no version under" in run("rollback", "nope", "prod", error=DataError)
    assert "has no alias 'prod'; it has none" in run("rollback", "pay", "prod", error=DataError)


def test_a_ratio_that_is_reached_is_published_where_that_is_asked_for(run, tmp_path):
    words = ["create", "--name", "whole", "--entity-df", tmp_path / "rows.parquet", "--label", "fraud"]
    words += ["--join-keys", "customer_id", "--timestamp", "event_timestamp", "--ratio", 0.02]
    assert "already reached" in run(*words, error=GateError)
    found = json.loads(run(*words, "--if-reached", "publish", "--json"))
    assert (found["version"], found["counts"]["train"]["synthetic"]) == (1, 0)
    run("verify", "--name", "whole")
    run("show", "--name", "whole")
    assert "namespace is Feast's" in run(*words, "--namespace", "team", error=InvalidInputError)


def test_create_asks_whether_it_is_worth_it_until_that_is_measured(run, tmp_path):
    words = ["create", "--name", "asked", "--entity-df", tmp_path / "rows.parquet", "--label", "fraud", "--ratio", 0.9]
    words += ["--join-keys", "customer_id", "--timestamp", "event_timestamp"]

    def worth():
        (line,) = [line.split() for line in run(*words).splitlines() if line.split()[:2] == ["worth", "it?"]]
        return line

    last = worth()
    assert last[:5] == ["worth", "it?", "not", "measured", "yet:"]
    assert last[5:9] == ["resampler", "advise", "--snapshot", "asked:1"]
    reference, place = last[8], last[10]
    keep(open_version(reference, root=place), comparison(), 1.0)
    assert worth()[:4] == ["worth", "it?", "Use", "smote"]
