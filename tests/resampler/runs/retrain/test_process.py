"""A command is ended with its children, and what it says is kept."""

import sys
import time

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


def test_a_command_that_leaves_a_child_behind_does_not_hold_us(tmp_path):
    program = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    found = run([*PYTHON, program], cwd=tmp_path)
    assert found.code == 0
    assert found.seconds < 15


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
