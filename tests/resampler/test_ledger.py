"""Runs are kept whole, in order, once."""

import pytest

from resampler.errors import CorruptStateError
from resampler.ledger import Ledger, Run, key_of, now


def test_runs_come_back_in_order_and_once(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    assert list(ledger.runs()) == []
    assert ledger.last("gate") is None
    runs = [
        Run("gate", "no", key_of(a=1), "fraud version 3", now(), 0.5, {"why": ["recall"]}),
        Run("drift", "pass", "k", "s", now()),
    ]
    for run in [*runs, runs[0]]:
        ledger.append(run)
    assert list(ledger.runs()) == runs
    assert list(ledger.runs("drift")) == runs[1:]
    assert ledger.last("gate", key_of(a=1)) == runs[0]
    assert ledger.last("gate", key_of(a=2)) is None
    assert key_of(a=1, b=2) == key_of(b=2, a=1)


def test_a_file_that_is_no_run_is_named(tmp_path):
    ledger = Ledger(tmp_path)
    (tmp_path / "1-gate-x.json").write_text("{}")
    with pytest.raises(CorruptStateError, match=r"1-gate-x\.json is no run of a ledger"):
        list(ledger.runs())
