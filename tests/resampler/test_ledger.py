"""Runs are kept whole, in order, once, and few files are read to find one."""

import resource
import signal
import time
from dataclasses import replace

import pytest

from resampler.errors import CorruptStateError, ResamplerError
from resampler.ledger import Ledger, Run, key_of, now


def test_runs_come_back_in_order_and_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    assert list(ledger.runs()) == []
    assert ledger.last("gate") is None
    runs = [
        Run("gate", "no", key_of(a=1), "fraud version 3", now(), 0.5, {"why": ["recall"]}),
        Run("drift", "pass", key_of(b=1), "s", now()),
    ]
    for run in [*runs, runs[0]]:
        ledger.append(run)
    assert list(ledger.runs()) == runs
    assert list(ledger.newest()) == runs[::-1]
    assert list(ledger.runs("drift")) == runs[1:]
    assert ledger.outcomes("gate") == ["no"]
    assert ledger.last("gate", key_of(a=1)) == runs[0]
    assert ledger.last("gate", key_of(a=2)) is None
    assert key_of(a=1, b=2) == key_of(b=2, a=1)


def test_a_clock_that_is_set_back_makes_no_run_older(tmp_path):
    ledger = Ledger(tmp_path)
    first = Run("gate", "pass", key_of(), "fraud version 3", "2031-12-31T23:59:59.999999+00:00")
    runs = [first, replace(first, outcome="no", at=now()), replace(first, at="2031-12-31T23:59:59+01:00")]
    for run in [*runs, *runs]:
        ledger.append(run)
    assert list(ledger.runs()) == runs
    assert ledger.last("gate").at == "2031-12-31T23:59:59+01:00"


def test_a_file_that_is_no_run_is_named_where_it_is_read(tmp_path):
    ledger = Ledger(tmp_path)
    for n in range(3):
        ledger.append(Run("gate", "pass", key_of(n=n), "s", now()))
    oldest, middle, _ = sorted(tmp_path.iterdir())
    oldest.write_text("[1]")
    middle.write_text(middle.read_text().replace("pass", "no"))
    (tmp_path / "notes.json").write_text("none of it")
    assert ledger.last("gate").key == key_of(n=2)
    with pytest.raises(CorruptStateError, match=rf"{middle.name} is no run of a ledger: it was changed since"):
        ledger.last("gate", key_of(n=1))
    with pytest.raises(CorruptStateError, match=rf"{oldest.name} is no run of a ledger: .*: restore it from a copy"):
        list(ledger.runs())
    assert ledger.outcomes("gate") == ["pass"] * 3


def test_a_run_is_found_among_thousands_without_reading_them(tmp_path):
    ledger = Ledger(tmp_path)
    runs = [Run("gate", "pass", key_of(n=n), "s", f"2026-01-01T00:00:00.{n:06d}+00:00") for n in range(2)]
    for run in runs:
        ledger.append(run)
    name = sorted(tmp_path.iterdir())[0].name
    for n in range(5000):
        (tmp_path / f"2025{n:04d}T000000000000{name[21:]}").touch()  # would be refused if it were read
    began = time.process_time()
    assert ledger.last("gate") == runs[1]
    assert ledger.last("gate", key_of(n=1)) == runs[1]
    assert len(ledger.outcomes("gate")) == 5002
    assert time.process_time() - began < 1


def test_a_disk_that_is_full_leaves_nothing_and_is_said_with_the_outcome(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    run = Run("gate", "no", key_of(), "s", now(), details={"long": "x" * 100_000})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(
            ResamplerError, match=r"ledger cannot keep the run, which came to 'no': .*: make room there"
        ):
            ledger.append(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list((tmp_path / "ledger").iterdir()) == []
    ledger.append(run)
    assert list(ledger.runs()) == [run]
