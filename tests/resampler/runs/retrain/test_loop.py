"""The loop with real commands: what it does, what it leaves alone, and what it says."""

import json
import shlex
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from resampler.errors import InvalidInputError
from resampler.runs.retrain.journal import Journal
from resampler.runs.retrain.loop import StepError
from resampler.runs.retrain.plan import plan
from resampler.runs.retrain.printing import in_words
from resampler.runs.retrain.settings import Settings


def taken(outcome):
    return {one.step: one.outcome for one in outcome.steps}


def test_a_first_run_publishes_and_a_second_has_nothing_to_do(world):
    first = world.run()
    assert (first.outcome, first.version, first.before, first.rollback) == ("pass", 1, None, "")
    assert taken(first) == dict.fromkeys(("snapshot", "train", "gate", "alias"), "pass") | {"drift": "left out"}
    assert world.moves() == [("alias", 1)]
    steps = ["snapshot", "train", "gate", "alias", "retrain"]
    assert world.steps() == [(step, "pass") for step in steps]
    assert not world.unfinished

    second = world.run()
    assert (second.outcome, second.version) == ("nothing", 1)
    assert "prod points to t version 1 already" in second.why
    assert (world.trained, world.versions, world.moves()) == (["1"], ["v0001"], [("alias", 1)])
    assert [step for step, _ in world.steps()] == [*steps, "snapshot"]  # which was looked for again
    assert world.ledger.success("retrain")["runs"] == 1


def test_a_snapshot_that_has_spent_its_budget_is_gone_on_with(world):
    world.set_policy(label='"y"\nmax_seconds = 0.001')
    stopped, done = [], None
    while done is None:
        try:
            done = world.run()
        except StepError as error:
            stopped.append(error)
    for error in stopped:
        assert error.exit_code == 4
        assert error.outcome.outcome == "stopped"
        assert "snapshot has spent its budget: run again, and it goes on: " in str(error)
        assert "".join(in_words(error.outcome, {"runs": 0})).startswith("t: stopped: snapshot has spent")
    assert len(stopped) >= 5
    assert (done.outcome, done.version) == ("pass", 1)
    assert world.ledger.success("retrain")["runs"] == 1
    assert world.steps()[:2] == [("snapshot", "stopped"), ("retrain", "stopped")]


@pytest.mark.slow
def test_new_rows_make_a_version_that_can_be_taken_back(world):
    world.run()
    world.set_rows(seed=1)
    second = world.run()
    assert (second.outcome, second.version, second.before) == ("pass", 2, 1)

    words = shlex.split(second.rollback)
    subprocess.run([sys.executable, "-P", "-m", *words], check=True, capture_output=True)
    assert world.moves()[-1] == ("rollback", 1)
    again = world.run()  # whoever took it back would not have it moved by tonight's run
    assert again.outcome == "nothing"
    assert "prod was taken back since" in again.why
    assert world.moves()[-1] == ("rollback", 1)
    forced = world.run(force=True)
    assert (forced.outcome, world.moves()[-1]) == ("pass", ("alias", 2))
    assert world.trained == ["1", "2"]


@pytest.mark.slow
def test_a_gate_that_says_no_leaves_the_alias_and_is_not_asked_again(world):
    world.run()
    world.set_rows(seed=1)
    world.set_policy(recall=1, precision=1)
    for _ in range(2):
        no = world.run()
        assert (no.outcome, no.version) == ("no", 2)
        assert world.moves() == [("alias", 1)]
    assert "nothing has changed since" in no.why
    assert world.trained == ["1", "2"]
    assert [outcome for step, outcome in world.steps() if step == "retrain"] == ["pass", "no"]
    assert world.ledger.success("retrain") == {
        "runs": 2,
        "passed": 1,
        "rate": 0.5,
        "interval": pytest.approx([0.0945, 0.9055], abs=1e-3),
    }

    code = world.path / "train.py"
    code.write_text(code.read_text() + "\n# another model\n")
    assert world.run().outcome == "no"
    assert world.trained == ["1", "2", "2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; print('halfway'); sys.exit('no such column')", "it exited with 1: no such column"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9 ended it"),
        ("pass", r"it left no predictions in .*predictions\.parquet: write them there"),
        ("import time; time.sleep(60)", "it took longer than 5 s"),
    ],
)
def test_training_that_fails_is_said_and_taken_again(script, message, world):
    genuine = (world.path / "train.py").read_text()
    world.set_policy(command='["{python}", "train.py"]\ntimeout_s = 5')
    (world.path / "train.py").write_text(script)
    with pytest.raises(StepError, match=f"train failed: {message}.*: prod stays where it is") as failed:
        world.run()
    assert failed.value.exit_code == 1
    assert failed.value.outcome.steps[-1].outcome == "failed"
    assert world.moves() == []
    assert world.steps()[-2:] == [("train", "failed"), ("retrain", "failed")]

    world.set_policy()
    (world.path / "train.py").write_text(genuine)
    assert world.run().outcome == "pass"
    assert world.versions == ["v0001"]


def test_what_is_printed_by_training_is_kept_where_it_fails(world):
    (world.path / "train.py").write_text("import sys\nfor i in range(50): print(i, file=sys.stderr)\nsys.exit(7)")
    with pytest.raises(StepError, match="it exited with 7: 49"):
        world.run()
    assert world.ledger.last("train").details["exit_code"] == 7


def test_the_ledger_names_no_rows_though_errors_do(world):
    genuine = (world.path / "train.py").read_text()
    (world.path / "train.py").write_text("raise KeyError('customer 4711')")
    with pytest.raises(StepError, match="customer 4711") as failed:
        world.run()
    assert "customer 4711" in failed.value.outcome.steps[-1].details["last_lines"][-1]
    copy = "t = pq.read_table(given['validation_path']); t = pa.concat_tables([t, t.slice(0, 1)])\n"
    write = (
        "pq.write_table(pa.table({'id': t['id'], 'y_true': t['y'], 'score': np.ones(len(t))}), given['predictions'])"
    )
    (world.path / "train.py").write_text(genuine.partition("train, seen")[0] + copy + write)
    with pytest.raises(StepError, match=r"gate failed: .*repeat another's id, such as id="):
        world.run()
    kept = "".join(path.read_text() for path in (world.path / "catalog" / "t" / "ledger").iterdir())
    assert "4711" not in kept
    assert "such as" not in kept
    assert [run.details["why"] for run in world.ledger.runs("retrain")] == ["train failed", "gate failed"]


def test_a_step_of_ours_that_fails_says_its_own_error(world):
    world.set_policy(label='"z"')
    with pytest.raises(StepError, match=r"snapshot failed: .*'z'") as failed:
        world.run()
    assert failed.value.exit_code in {1, 2}
    assert world.steps() == [("retrain", "failed")]


def test_checks_of_a_snapshot_may_say_no(world):
    table = world.path / "rows.parquet"
    rows = pq.read_table(table)
    world.set_policy(seed="1\nstrict = true")
    pq.write_table(rows.append_column("copy_of_y", rows["y"].cast("double")), table)
    no = world.run()
    assert (no.outcome, taken(no)["snapshot"]) == ("no", "no")
    assert "the checks of a snapshot said no" in no.why
    assert (world.versions, world.moves()) == ([], [])


@pytest.mark.slow
def test_an_alias_that_was_moved_by_hand_meanwhile_is_not_moved_over(world):
    world.run()
    world.set_rows(seed=1)
    world.run()
    world.set_rows(seed=2)
    genuine = (world.path / "train.py").read_text()
    by_hand = (
        "import subprocess, sys; words = 'snapshot alias t prod 1 --catalog catalog'.split(); "
        "subprocess.run([sys.executable, '-m', 'resampler', *words], check=True)"
    )
    (world.path / "train.py").write_text(f"{by_hand}\n{genuine}")
    with pytest.raises(StepError, match="prod pointed to version 2 when the run began, and points to version 1 now"):
        world.run()
    assert [after for _, after in world.moves()] == [1, 2, 1]
    assert not world.unfinished
    (world.path / "train.py").write_text(genuine)
    again = world.run()
    assert (again.outcome, again.before, again.version) == ("pass", 1, 3)
    assert [after for _, after in world.moves()] == [1, 2, 1, 3]


def test_a_plan_shows_no_secrets(world):
    rows = 'against = "s3://key:hidden@bucket/rows.parquet"'
    world.set_policy(f'[retrain]\n{rows}\nwebhook = "https://user:hidden@hooks.example/hidden?token=hidden"\n')
    world.run(force=True)
    words = [word for one in plan(Settings.read(world.policy)) for word in one.command]
    assert {"https://hooks.example/...", "s3://bucket/rows.parquet"} <= {*words}
    assert "hidden" not in " ".join(words)
    world.set_policy('[retrain]\nwebhook = "ftp://hooks.example"\n')
    with pytest.raises(InvalidInputError, match="--webhook must be a URL"):
        Settings.read(world.policy)


@pytest.mark.slow
def test_another_policy_begins_anew_where_it_was_killed(world):
    (world.path / "train.py").write_text("raise SystemExit(1)")
    with pytest.raises(StepError):
        world.run()
    journal = world.path / "catalog" / "t" / "retrain" / "unfinished.json"
    assert list(json.loads(journal.read_text())["steps"]) == ["begun", "drift"]
    world.set_policy(recall=0.5)
    with pytest.raises(StepError):
        world.run()
    journal.write_text("{")
    with pytest.raises(Exception, match=r"unfinished\.json says nothing of an unfinished run"):
        world.run()


def test_a_dry_run_changes_nothing(world):
    before = sorted(world.path.rglob("*"))
    command = [sys.executable, "-P", "-m", "resampler", "retrain", "--policy", world.policy, "--dry-run"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd="/").stdout
    assert "drift: left out: no version is called 'prod' yet" in said
    assert "  resampler snapshot create --name t --catalog" in said
    plan = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True).stdout)
    assert [one["step"] for one in plan["steps"]] == ["drift", "snapshot", "train", "gate", "alias"]
    assert sorted(world.path.rglob("*")) == before


@pytest.mark.slow
def test_the_model_in_use_is_at_hand_and_compared_with(world):
    code = world.path / "train.py"
    champion = """
if given["champion"]:
    assert Path(given["champion"], "predictions.parquet").exists()
    pq.write_table(pa.table({"id": seen["id"], "y_true": seen["y"], "score": score}), given["baseline_predictions"])
"""
    code.write_text(code.read_text() + champion)
    world.set_policy("[gate.baseline]\naverage_precision = 0.02")
    first = world.run()
    assert first.steps[-2].details["baseline"] is None
    assert "this is the first model" in " ".join(first.steps[-2].details["notes"])
    world.set_rows(seed=1)
    second = world.run()
    assert (second.outcome, second.version) == ("pass", 2)
    assert second.steps[-2].details["baseline"] == "the baseline"
    code.write_text(code.read_text().split("if given[")[0])
    world.set_rows(seed=2)
    assert world.run().steps[-2].details["baseline"] == "t version 2"


@pytest.mark.slow
def test_drift_decides_whether_to_go_on(world):
    world.set_policy('[retrain]\nagainst = "today.parquet"')
    rows = pq.read_table(world.path / "rows.parquet")
    pq.write_table(rows, world.path / "today.parquet")
    assert world.run().outcome == "pass"
    still = world.run()
    assert (still.outcome, taken(still)) == ("nothing", {"drift": "pass"})
    assert "no drift that asks for training" in still.why
    assert world.run(force=True).outcome == "nothing"

    world.set_rows(seed=1, shift=9.0)
    pq.write_table(pq.read_table(world.path / "rows.parquet").drop_columns(["b"]), world.path / "today.parquet")
    with pytest.raises(StepError, match=r"drift failed: .*b"):
        world.run()
    pq.write_table(pq.read_table(world.path / "rows.parquet"), world.path / "today.parquet")
    moved = world.run()
    assert (moved.outcome, moved.version, taken(moved)["drift"]) == ("pass", 2, "no")
    assert world.run().outcome == "nothing"
    assert world.versions == ["v0001", "v0002"]


@pytest.mark.slow
def test_what_an_unfinished_run_has_taken_is_held_against_what_is_there(world, monkeypatch):
    keep = Journal.keep

    def dying(self, step, came_to):
        keep(self, step, came_to)
        if step == "gate":
            raise KeyboardInterrupt

    code = world.path / "train.py"
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "keep", dying)
        with pytest.raises(KeyboardInterrupt):
            world.run()
        code.write_text(code.read_text() + "\n# another model\n")
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert "its code or its predictions are other ones since" in world.said
    assert world.trained == ["1", "1"]
    where = ["--name", "t", "--version", "1", "--catalog", str(world.path / "catalog")]
    command = [sys.executable, "-P", "-m", "resampler", "snapshot", "prune", *where]
    subprocess.run(command, check=True, capture_output=True)
    again = world.run()
    assert (again.outcome, again.version) == ("pass", 2)
    assert "has no version" in world.said
