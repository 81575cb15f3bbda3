"""One process compiles a kernel; the others take what it has saved."""

import errno
import os
import subprocess
import sys

import pytest

from resampler.kernels import turns
from resampler.kernels.turns import end_turn, take_turn

HOLDER = """
import sys
from resampler.kernels.turns import take_turn
take_turn(sys.argv[1], "kernel")
print("holds", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Return a process that has the turn of a kernel."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


def test_a_turn_is_waited_for_until_its_process_has_ended(holder, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    waits = []
    monkeypatch.setattr(turns, "_SAY_S", -1.0)
    monkeypatch.setattr(turns, "_said", [])
    monkeypatch.setattr(turns.time, "sleep", lambda _: (waits.append(holder.kill()), holder.wait()))
    assert not take_turn(str(tmp_path), "another kernel")
    assert take_turn(str(tmp_path), "kernel")
    assert len(waits) == 1
    assert caplog.messages == [f"waiting for kernels that another process compiles into {tmp_path}"]
    assert not take_turn(str(tmp_path), "kernel")  # this process has it
    end_turn(str(tmp_path), "kernel")


@pytest.mark.usefixtures("holder")
def test_nobody_waits_for_ever_nor_twice_for_long(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(turns, "_waited_for", [])
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    assert take_turn(str(tmp_path), "kernel")
    monkeypatch.setattr(turns, "PATIENCE_S", 1e9)  # the next of those that a stopped process holds
    assert take_turn(str(tmp_path), "kernel")
    assert caplog.messages == ["another process has compiled kernel for 0 s: kernels are compiled here too"]


@pytest.mark.parametrize("reason", [errno.ENOTSUP, errno.ENOLCK, errno.EPERM])
def test_where_files_cannot_be_locked_everyone_compiles(tmp_path, monkeypatch, reason):
    assert not take_turn(str(tmp_path / "gone"), "kernel")
    end_turn(str(tmp_path / "gone"), "kernel")

    def refuse(*_):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(turns.fcntl, "lockf", refuse)
    assert not take_turn(str(tmp_path), "kernel")
