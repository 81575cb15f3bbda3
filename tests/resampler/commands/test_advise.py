"""`resampler advise`, from rows to what people read."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot, forget_entity, verify_snapshot
from resampler.cli import resampler
from resampler.commands.advise import advise
from resampler.errors import ResamplerError
from resampler.ledger import Ledger
from resampler.quality.comparison.comparison import Comparison

N = 400
QUICK = ["--learner", "logistic", "--remedy", "random", "--folds", "2", "--seeds", "1", "--threads", "1"]


def rows(n=N, **more):
    rng = np.random.default_rng(0)
    rare = np.arange(n) % 10 == 0
    columns = {
        "who": np.arange(n) // 4,
        "at": pa.array(np.datetime64("2024-01-01", "us") + np.arange(n).astype("timedelta64[h]")),
        "amount": rng.normal(size=n) + 1.5 * rare,
        "country": np.where(rng.random(n) < 0.3 + 0.4 * rare, "FR", "CH"),
        "night": pa.array([None, *(rng.random(n - 1) < 0.5)]),
        "bad": rare.astype(np.int64),
    }
    return pa.table(columns | more)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pq.write_table(rows(), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def run(*arguments):
    return CliRunner().invoke(advise, list(map(str, arguments)), catch_exceptions=True)


def asked(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return Comparison.from_dict(json.loads(done.stdout))


def test_a_file_is_read_and_people_are_answered(file):
    done = run(file, "--label", "bad", "--drop", "at,who", *QUICK)
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        "Too little to tell: there are 2 test parts and 5 are wanted: ask for more folds or seeds"
    )
    text = " ".join(lines)
    assert "Measured on 400 real rows, 40 of class 1: 2 folds, 2 test parts" in text
    assert max(map(len, lines)) <= 100
    again = run(file, "--label", "bad", "--drop", "at,who", *QUICK, "--intervals")
    assert again.stdout.startswith(done.stdout[:200])
    assert again.stdout.count("+") > done.stdout.count("+")


def test_json_says_the_same_twice_whatever_the_number_of_threads(file, tmp_path):
    common = [file, "--label", "bad", "--drop", "at,who", *QUICK[:-2], "--json"]
    one = run(*common, "--threads", 1, "--resume", tmp_path / "a")
    two = run(*common, "--threads", 2, "--resume", tmp_path / "b")
    assert one.exit_code == two.exit_code == 0
    assert one.stdout == two.stdout
    found = Comparison.from_dict(json.loads(one.stdout))
    assert found.asked.features == ("amount", "country", "night")
    assert found.asked.categorical == ("country", "night")


def test_csv_and_arrow_say_what_parquet_says(file, tmp_path):
    table = pq.read_table(file, columns=["amount", "country", "bad"])
    pq.write_table(table, file)
    pyarrow.csv.write_csv(table, tmp_path / "rows.csv")
    with pa.OSFile(str(tmp_path / "rows.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    said = {
        asked(tmp_path / f"rows.{kind}", "--label", "bad", *QUICK).asked.key for kind in ("csv", "arrow", "parquet")
    }
    assert len(said) == 1


def test_groups_times_and_costs(file):
    grouped = asked(file, "--label", "bad", "--features", "amount", "--group", "who", *QUICK)
    assert (grouped.asked.split, grouped.asked.features) == ("groups", ("amount",))
    timed = asked(file, "--label", "bad", "--time", "at", "--drop", "who", "--cost", "20:1", *QUICK)
    assert (timed.asked.split, timed.asked.measure, timed.asked.costs) == ("times", "cost", (20.0, 1.0))
    assert timed.asked.tuned_by == "cost"
    other = asked(file, "--label", "bad", "--features", "amount", "--positive", "0", "--measure", "f1", *QUICK)
    assert (other.asked.positive, other.asked.measure) == ("0", "f1")


def test_columns_that_were_left_out_are_said(file):
    table = pq.read_table(file).append_column("name", pa.array([f"n{i}" for i in range(N)]))
    pq.write_table(table, file)
    found = asked(file, "--label", "bad", "--drop", "at", *QUICK)
    assert any("column 'name' was left out: 400 different texts" in note for note in found.notes)


def test_pictures_are_the_same_twice(file, tmp_path):
    for name in ("a.svg", "b.svg", "c.png"):
        done = run(file, "--label", "bad", "--drop", "at", *QUICK, "--picture", tmp_path / name)
        assert done.exit_code == 0, done.exception
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_measured_is_kept_in_the_cache_of_the_user(file, tmp_path):
    first = run(file, "--label", "bad", "--drop", "at", *QUICK, "--json")
    kept = sorted((tmp_path / "cache" / "resampler" / "advise").iterdir())
    assert kept
    stamps = [one.stat().st_mtime_ns for one in kept]
    assert run(file, "--label", "bad", "--drop", "at", *QUICK, "--json").stdout == first.stdout
    assert [one.stat().st_mtime_ns for one in sorted((tmp_path / "cache" / "resampler" / "advise").iterdir())] == stamps


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ([], 2, "advise needs rows: a FILE with --label, or a --snapshot"),
        (["no.parquet"], 2, "--label names the column of the class"),
        (["no.parquet", "--label", "bad"], 1, "FILE 'no.parquet' cannot be read: there is no such file"),
        (["rows.txt", "--label", "bad"], 2, "must be a .parquet, .csv, .arrow, .feather file"),
        (["{}", "--label", "worse"], 1, "--label names column 'worse'; the rows have who, at, amount"),
        (["{}", "--label", "bad"], 1, "column 'at' has type timestamp.us., which no model reads"),
        (["{}", "--label", "amount", "--drop", "at"], 1, "label 'amount' has type double: a class is"),
        (["{}", "--label", "bad", "--drop", "at", "--positive", "7"], 1, "--positive '7' is no class of these rows"),
        (["{}", "--label", "bad", "--group", "who", "--time", "at"], 2, "groups and times are two ways to split"),
        (["{}", "--label", "bad", "--drop", "at", "--remedy", "magic"], 2, "a remedy is one of nothing, weights"),
        (["{}", "--label", "bad", "--drop", "at", "--learner", "no.such:Thing"], 2, "no.such"),
        (["{}", "--label", "bad", "--drop", "at", "--learner", "logistic {"], 2, "logistic"),
        (["{}", "--label", "bad", "--cost", "free"], 2, "--cost must be two numbers, of a row that is missed"),
        (["{}", "--label", "bad", "--drop", "at", "--cost", "-1:1"], 2, "costs must be above 0"),
        (["{}", "--label", "bad", "--drop", "at", "--measure", "cost"], 2, "cost"),
        (["{}", "--label", "bad", "--budget", "soon"], 2, "--budget must be a time above 0, such as 90s"),
        (["{}", "--label", "bad", "--folds", "1"], 2, "folds must be an integer of at least 2"),
        (["{}", "--label", "bad", "--picture", "a.pdf"], 2, "must end in .svg or .png"),
        (["--root", "x"], 2, "--root says where a snapshot is kept: name it"),
    ],
)
def test_hostile_options_end_in_a_line(more, code, said, file):
    done = run(*(str(file) if one == "{}" else one for one in more))
    assert isinstance(done.exception, ResamplerError), done.exception
    assert done.exception.exit_code == code
    assert "\n" not in str(done.exception)
    with pytest.raises(type(done.exception), match=said):
        raise done.exception


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(N, dtype=np.int64), "two classes"),
        ((np.arange(N) == 7).astype(np.int64), "10 rows of class '1', got 1"),
        ([None, *[1] * (N - 1)], "label 'bad' is null in 1 of 400 rows"),
    ],
)
def test_hostile_labels_end_in_a_line(labels, said, file):
    pq.write_table(rows(bad=labels), file)
    done = run(file, "--label", "bad", "--drop", "at", *QUICK)
    assert done.exception.exit_code == 1
    with pytest.raises(ResamplerError, match=said):
        raise done.exception


def test_no_rows_at_all(file):
    pq.write_table(rows().slice(0, 0), file)
    with pytest.raises(ResamplerError, match="there are 0 rows"):
        raise run(file, "--label", "bad", "--drop", "at", *QUICK).exception


@pytest.fixture
def catalog(file, tmp_path):
    def create(split, **more):
        options = {"label": "bad", "ratio": 0.5, "seed": 1, "join_keys": ["who", "at"], "timestamp": "at"}
        table = rows().rename_columns(["who", "hour", "amount", "country", "night", "bad"])
        table = table.set_column(1, "hour", pa.array(np.arange(N))).append_column("at", rows()["at"])
        options |= {"join_keys": ["who", "hour"]}
        create_snapshot(tmp_path / "c", name="t", entity_df=table, split=split, **(options | more))
        return tmp_path / "c"

    return create


def test_a_version_is_compared_on_its_real_training_rows_as_it_was_split(catalog):
    place = catalog("time:0.7,0.15,0.15")
    found = asked("--snapshot", "t", "--catalog", place, *QUICK)
    assert (found.asked.rows, found.asked.split) == (280, "times")
    assert found.asked.features == ("amount", "country", "night")
    assert any("t version 1 was split by time" in note for note in found.notes)
    catalog("stratified:0.7,0.15,0.15", clean="enn")
    grouped = asked("--snapshot", "t:2", "--catalog", place, *QUICK)
    assert (grouped.asked.rows, grouped.asked.split) == (280, "groups")  # those that cleaning removed are there
    assert "Rows of one who are never learned from and tested at once." in grouped.notes
    kept = [run_.subject for run_ in Ledger(place / "t" / "ledger").runs("advise")]
    assert kept == ["t version 1", "t version 2"]
    assert verify_snapshot(place, name="t", version=1).ok


def test_what_a_version_knows_is_not_asked(catalog):
    place = catalog("time:0.7,0.15,0.15")
    done = run("--snapshot", "t", "--catalog", place, "--label", "bad")
    assert "--label is for files" in str(done.exception)
    done = run("rows.parquet", "--snapshot", "t", "--catalog", place)
    assert "and not both" in str(done.exception)


def test_advice_on_what_is_forgotten_keeps_its_outcome_and_no_figure(catalog):
    place = catalog("stratified:0.7,0.15,0.15")
    asked("--snapshot", "t", "--catalog", place, *QUICK)
    (run_,) = Ledger(place / "t" / "ledger").runs("advise")
    assert "who" not in json.dumps(run_.details["asked"])
    assert '"values"' not in json.dumps(run_.details), "values of parts are most of a comparison, and no page has them"
    outcome = run_.outcome
    forget_entity(place, name="t", entity="who=17")
    (run_,) = Ledger(place / "t" / "ledger").runs("advise")
    assert (run_.subject, run_.outcome) == ("t version 1", outcome)
    assert "asked" not in run_.details
    shown = CliRunner().invoke(resampler, ["snapshot", "show", "--catalog", str(place), "--name", "t"])
    assert "advice  " not in shown.output  # version 2 has other rows


def test_a_run_that_was_killed_goes_on(file, tmp_path):
    arguments = ["--label", "bad", "--drop", "at,who", "--learner", "logistic", "--learner", "tree", "--threads", "1"]
    arguments += ["--remedy", "smotenc", "--folds", "3", "--seeds", "2", "--json"]
    whole = run(file, *arguments, "--resume", tmp_path / "whole")
    assert whole.exit_code == 0, whole.exception
    kept = tmp_path / "killed"
    command = [sys.executable, "-m", "resampler", "advise", str(file), *arguments, "--resume", str(kept)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(kept.glob("*.json"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    measured = {one: one.stat().st_mtime_ns for one in kept.glob("*.json")}
    assert len(measured) >= 3
    again = run(file, *arguments, "--resume", kept)
    assert again.stdout == whole.stdout
    assert {one: one.stat().st_mtime_ns for one in measured} == measured
    assert {one.name for one in kept.iterdir()} == {one.name for one in (tmp_path / "whole").iterdir()}


def test_advice_that_is_stopped_goes_on_and_says_what_it_cost(file, tmp_path):
    common = [file, "--label", "bad", "--drop", "at,who", *QUICK]
    whole = asked(*common, "--resume", tmp_path / "whole")
    for _ in range(50):
        done = CliRunner().invoke(
            advise,
            list(map(str, [*common, "--resume", tmp_path / "parts", "--max-seconds", "0.001", "--json"])),
            standalone_mode=False,
        )
        data = json.loads(done.stdout)
        if done.return_value == 0:
            break
        assert done.return_value == 4
        assert data["stopped"] == "max_seconds"
        assert data["resume"] == str(tmp_path / "parts")
        assert "stopped by --max-seconds; the same command again goes on" in done.stderr
    assert set(data["cost"]) == {"cpu_seconds", "wall_seconds", "peak_memory_bytes", "read_bytes", "written_bytes"}
    assert "stopped" not in data
    assert Comparison.from_dict(data) == whole


def test_the_former_name_of_a_budget_exits_with_0(file):
    common = [file, "--label", "bad", "--drop", "at,who", *QUICK]
    done = CliRunner().invoke(advise, list(map(str, [*common, "--budget", "0.001"])), standalone_mode=False)
    assert done.return_value == 0
    assert "--budget is called --max-seconds now" in done.stderr
    both = run(*common, "--budget", "1s", "--max-seconds", "1s")
    assert "give --max-seconds alone" in str(both.exception)


def test_advice_that_needs_more_memory_than_allowed_is_refused(file):
    done = run(file, "--label", "bad", "--max-memory", "1MiB")
    assert "max_memory=1.0 MiB is too little for reading" in str(done.exception)
    assert done.exception.exit_code == 1


def test_advice_on_a_version_that_is_stopped_is_no_verdict_of_the_ledger(file, tmp_path):
    create_snapshot(
        tmp_path / "c",
        name="t",
        entity_df=pq.read_table(file),
        label="bad",
        join_keys=["who"],
        timestamp="at",
        ratio=0.5,
    )
    words = ["--snapshot", "t:1", "--catalog", tmp_path / "c", "--learner", "logistic", "--max-seconds", "0.001"]
    done = CliRunner().invoke(advise, list(map(str, words)), standalone_mode=False)
    assert done.return_value == 4, done.exception
    (kept,) = Ledger(tmp_path / "c" / "t" / "ledger").runs("advise")
    assert kept.outcome == "stopped"
    assert kept.details["stopped"] == "max_seconds"
    assert kept.details["cost"]["cpu_seconds"] > 0
