"""What goes wrong on a game day, which alert has to say so, and what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from stream import EmbeddedServer
from stream.redis.server import find_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from stage import Stage

ROOM_BYTES = 24 << 20


@dataclass(frozen=True)
class Fault:
    """One way in which a running stream breaks.

    Parameters
    ----------
    name : str
        For people.
    alert : str
        What must be sent to the pager, and nothing else.
    strike, mend : callable
        Do it to a stage, and take it back. What mends is what the alert's runbook says.
    place : callable, optional
        Makes the server, as `Stage` takes it.
    """

    name: str
    alert: str
    strike: Callable[[Stage], None]
    mend: Callable[[Stage], None]
    place: Callable[[Path], AbstractContextManager[EmbeddedServer]] | None = None


# Rows.


def _label_shift(stage):
    stage.traffic.share = 0.5


def _right_labels(stage):
    stage.traffic.share = 0.1


def _schema_change(stage):
    """Rename a column, as a producer's new release would."""

    def spoil(rng, fields):
        return {("customer_age" if name == "age" else name): value for name, value in fields.items()}

    stage.traffic.spoil = spoil


def _poison(stage):
    """One row in ten has no number where one belongs."""

    def spoil(rng, fields):
        return fields | {"amount": rng.choice(["nan", "inf", "12,50 EUR"])} if rng.random() < 0.1 else fields

    stage.traffic.spoil = spoil


def _duplicates(stage):
    """A producer sends each row again, four times."""
    stage.traffic.copies = 4


def _right_rows(stage):
    stage.traffic.spoil = None
    stage.traffic.copies = 0


# A learner.


def _trainer_stops(stage):
    stage.trainer.recall = None


def _learns_its_own_rows(stage):
    """A trainer measures on rows that it has learned from: the rare class is known, and needs no more rows."""
    stage.trainer.recall = {0: 0.5, 1: 0.99}
    stage.traffic.rows_per_s = 600.0  # ten thousand of them within this hour


def _right_recall(stage):
    stage.trainer.recall = {0: 0.9, 1: 0.6}
    stage.traffic.rows_per_s = 200.0


# Programs.


def _kill_server(stage):
    stage.server.kill()


def _start_server(stage):
    stage.server.start()


def _freeze(stage):
    stage.workers[0].freeze()


def _start_again(stage):
    """What is frozen is ended and started anew, as a scheduler does it."""
    stage.workers[0].thaw()
    stage.workers[0].kill()
    stage.workers[0].start()


# The disk.


@contextmanager
def _small_disk(directory):
    """A server on a small disk of its own, where one may be mounted; else with a limit on the size of its files."""
    directory.mkdir(parents=True, exist_ok=True)
    mount, umount = shutil.which("mount"), shutil.which("umount")
    disk = ["-t", "tmpfs", "-o", f"size={ROOM_BYTES}", "gameday", str(directory)]
    if mount and subprocess.run([mount, *disk], capture_output=True).returncode == 0:
        try:
            yield EmbeddedServer(appendonly=True, directory=directory)
        finally:
            subprocess.run([umount, "--lazy", str(directory)], check=True)
        return
    # A shell lets the signal of a file that is too large be ignored: writes then fail, as on a full disk.
    if not shutil.which("prlimit"):
        pytest.skip("neither a disk can be mounted (root) nor files be limited (prlimit)")
    bin_ = directory / "bin"
    bin_.mkdir()
    script = bin_ / "redis-server"
    script.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {find_server()} \"$@\"\n")
    script.chmod(0o755)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{bin_}:{path}"
    try:
        yield EmbeddedServer(appendonly=True)
    finally:
        os.environ["PATH"] = path


def _limit(stage, most):
    subprocess.run([shutil.which("prlimit"), "--pid", str(stage.server.pid), f"--fsize={most}:unlimited"], check=True)


def _ballast(stage):
    return stage.server.directory / "ballast"


def _fill_disk(stage):
    if not os.path.ismount(stage.server.directory):
        files = (stage.server.directory / "appendonlydir").iterdir()
        most = max(file.stat().st_size for file in files)
        _limit(stage, most)
        return
    with suppress(OSError), _ballast(stage).open("wb", buffering=0) as file:  # until there is no room
        while file.write(bytes(65536)):
            pass


def _make_room(stage):
    if not os.path.ismount(stage.server.directory):
        _limit(stage, "unlimited")
        return
    _ballast(stage).unlink()


FAULTS = (
    Fault("label shift", "ResamplerLabelShift", _label_shift, _right_labels),
    Fault("schema change", "ResamplerSchemaChange", _schema_change, _right_rows),
    Fault("duplicate rows", "ResamplerDuplicateRows", _duplicates, _right_rows),
    Fault("poison rows", "ResamplerDeadLetters", _poison, _right_rows),
    Fault("trainer that is silent", "ResamplerFeedbackNotFollowed", _trainer_stops, _right_recall),
    Fault("recall of rows learned", "ResamplerIdle", _learns_its_own_rows, _right_recall),
    Fault("killed server", "ResamplerServerDown", _kill_server, _start_server),
    Fault("frozen worker", "ResamplerWorkerDown", _freeze, _start_again),
    Fault("full disk", "ResamplerCommitsRefused", _fill_disk, _make_room, _small_disk),
)
