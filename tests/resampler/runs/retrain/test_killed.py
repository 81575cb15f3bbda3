"""kill -9 at every step and within them, and two at once: the same version, one move of the alias, one run passed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resampler.errors import ResamplerError
from resampler.storage import Location

pytestmark = pytest.mark.slow
STEPS = ("snapshot", "train", "gate", "alias", "retrain")


def start(world, *deadly):
    program = ["-m", "resampler"] if not deadly else [str(Path(__file__).with_name("deadly.py")), *map(str, deadly)]
    words = [sys.executable, "-P", *program, "retrain", "--policy", world.policy]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd="/")


def wait_for(there, seconds=120):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid):
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "zombie" not in status.read_text()


def assert_published_once(world):
    assert world.versions == ["v0001"]
    assert world.moves() == [("alias", 1)]
    assert not world.unfinished
    runs = list(world.ledger.runs())
    assert {run.step: run.outcome for run in runs} == dict.fromkeys(STEPS, "pass")
    for step in ("train", "alias", "retrain"):
        assert sum(run.step == step for run in runs) == 1
    made, *again = (run.details for run in runs if run.step == "snapshot")  # `create` keeps each of its runs
    assert {one["version"] for one in (made, *again)} == {1}
    assert all(one["reused"] for one in again)


@pytest.mark.parametrize(("call", "when"), [(1, "after"), (2, "before")])
def test_a_loop_that_is_killed_at_every_file_it_writes_comes_to_the_same_end(call, when, world):
    for _ in range(30):
        process = start(world, call, when)
        said = process.communicate()[1]
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said
        assert world.moves() in ([], [("alias", 1)])
        finished = world.path / "catalog/t/retrain/unfinished.json"
        if finished.exists() and '"finished"' in finished.read_text() and list(world.ledger.runs("retrain")):
            break  # an end that is written down, and appended, once more
    assert world.run().outcome == "nothing"
    assert_published_once(world)
    if when == "after":
        assert world.trained == ["1"]


def test_a_loop_that_is_killed_while_it_trains(world):
    (world.path / "hold").touch()
    loop = start(world)
    wait_for(lambda: world.trained)
    loop.kill()
    loop.communicate()
    with pytest.raises(ResamplerError, match="another run of 't' is at work, or a command that it started"):
        world.run()  # two at once would write the same files
    (world.path / "hold").unlink()
    with Location.parse(world.path / "catalog/t/retrain").locked(60):  # the command that outlived the loop has ended
        assert list((world.path / "runs").glob("*/predictions.parquet"))
    assert world.run().outcome == "pass"
    assert "going on behind" in world.said
    assert_published_once(world)


def test_a_loop_that_is_killed_while_it_makes_a_version(world):
    loop = start(world)
    wait_for((world.path / "catalog/t/v0001").exists)
    (maker,) = children(loop.pid)
    loop.kill()
    os.killpg(maker, signal.SIGKILL)
    loop.communicate()
    with Location.parse(world.path / "catalog/t/retrain").locked(60):  # its last thread is gone
        pass
    assert world.moves() == []
    assert world.run().outcome == "pass"
    assert_published_once(world)


def test_a_loop_that_is_asked_to_end_ends_its_command_too(world):
    (world.path / "hold").touch()
    loop = start(world)
    wait_for(lambda: world.trained)
    (trainer,) = children(loop.pid)
    loop.terminate()
    loop.communicate()
    assert loop.returncode == 128 + signal.SIGTERM
    assert not alive(trainer)
    (world.path / "hold").unlink()
    assert world.run().outcome == "pass"
    assert_published_once(world)


def test_of_two_at_once_one_refuses_or_waits(world):
    (world.path / "hold").touch()
    first = start(world)
    wait_for(lambda: world.trained)
    second = start(world)
    said = second.communicate()[1]
    assert second.returncode == 1
    assert "another run of 't' is at work" in said
    world.set_policy("[retrain]\nwait_s = 120")
    patient = start(world)
    time.sleep(1)
    assert patient.poll() is None
    (world.path / "hold").unlink()
    first.communicate()
    patient.communicate()
    assert (first.returncode, patient.returncode) == (0, 0)
    assert_published_once(world)
    assert world.trained == ["1"]
