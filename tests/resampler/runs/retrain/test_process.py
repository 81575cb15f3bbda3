"""A command is ended with its children, and what it says is kept."""

import sys
import time
import tracemalloc

import pytest

from resampler.runs.retrain.process import run
from resampler.storage import Location

PYTHON = [sys.executable, "-c"]


def test_words_are_kept_and_passed_on(tmp_path, capfd):
    program = "import os, sys; print(os.environ['A'], os.getcwd()); print('x' * 5, file=sys.stderr); sys.exit(4)"
    found = run([*PYTHON, program], cwd=tmp_path, environment={"A": "b"})
    assert (found.code, found.output, found.last_lines) == (4, f"b {tmp_path}\n", ("xxxxx",))
    assert capfd.readouterr() == ("", "xxxxx\n")
    run([*PYTHON, "print('seen')"], cwd=tmp_path, answers=False)
    assert capfd.readouterr() == ("", "seen\n")


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path):
    child = "import time, pathlib; time.sleep(3); pathlib.Path('late').touch()"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = run([*PYTHON, program], cwd=tmp_path, timeout_s=1.0)
    assert found.timed_out
    assert found.code < 0
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_a_command_that_ignores_a_request_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("resampler.runs.retrain.process.GRACE_S", 0.5)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    found = run([*PYTHON, program], cwd=tmp_path, timeout_s=1.0)
    assert (found.timed_out, found.code) == (True, -9)
    assert found.seconds < 10


@pytest.mark.parametrize("ignores", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN);"])
def test_a_child_that_a_command_leaves_behind_is_ended_and_holds_no_lock(ignores, tmp_path, monkeypatch):
    monkeypatch.setattr("resampler.runs.retrain.process.GRACE_S", 0.5)
    child = f"import pathlib, signal, time; {ignores} pathlib.Path('begun').touch(); time.sleep(60)"
    program = (
        f"import pathlib, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}], close_fds=False)\n"
        "while not pathlib.Path('begun').exists(): time.sleep(0.01)"
    )
    place = Location.parse(tmp_path)
    with place.locked(0) as held:
        found = run([*PYTHON, program], cwd=tmp_path, held=held)
    assert found.code == 0
    assert found.seconds < 15
    with place.locked(0):
        pass


def test_a_flood_without_an_end_of_line_fills_no_memory(tmp_path, capfd):
    program = "import sys; [sys.stderr.write('\u00e4' * 999_999) for _ in range(20)]; sys.exit(1)"
    tracemalloc.start()
    found = run([*PYTHON, program], cwd=tmp_path, environment={"PYTHONIOENCODING": "utf-8"}, answers=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert capfd.readouterr().err == "\u00e4" * 20 * 999_999
    assert len(found.last_lines) <= 20
    assert max(map(len, found.last_lines)) <= 2000
    assert peak < 12e6


def test_a_command_holds_the_lock_of_who_started_it(tmp_path):
    place = Location.parse(tmp_path)
    program = "import subprocess, sys, time; time.sleep(2)"
    import subprocess

    with place.locked(0) as held:
        child = subprocess.Popen([*PYTHON, program], pass_fds=(held.fileno(),))
    with pytest.raises(TimeoutError, match=r"\.lock is locked by another process, and was for 0 s"), place.locked(0):
        pass
    with place.locked(60):
        assert child.wait(5) == 0


def test_what_cannot_be_started(tmp_path):
    with pytest.raises(FileNotFoundError):
        run(["no-such-command"], cwd=tmp_path)
