"""`Budget` and `Meter`: sizes and times are read by one rule, what is spent is measured, what is too much refused."""

import subprocess
import sys
import time

import numpy as np
import pytest

from resampler.budget import Budget, BudgetError, Cost, Meter, in_units, memory_bytes
from resampler.errors import InvalidInputError
from resampler.ledger import STOPPED, Ledger, Run, now


@pytest.mark.parametrize(
    ("given", "size"),
    [("4GiB", 4 << 30), ("4G", 4 << 30), ("512 MiB", 512 << 20), ("1.5GB", 1_500_000_000), ("100", 100), (2048, 2048)],
)
def test_sizes(given, size):
    assert Budget(max_memory=given).max_memory == size


@pytest.mark.parametrize("given", ["", "0", "-1", "much", "4 GiB of it", True, float("nan")])
def test_what_is_no_size_is_refused(given):
    with pytest.raises(InvalidInputError, match="max_memory must be a size above 0, such as 512MiB or 4GiB"):
        Budget(max_memory=given)


@pytest.mark.parametrize(("size", "words"), [(5, "5 bytes"), (1 << 20, "1.0 MiB"), (5 << 30, "5.0 GiB")])
def test_sizes_in_words(size, words):
    assert in_units(size) == words


def test_time_that_is_left():
    meter = Meter(Budget(max_seconds=0.05))
    assert 0 < meter.left_s <= 0.05
    time.sleep(0.06)
    assert meter.left_s == 0
    assert Meter().left_s is None


def test_cost_counts_processor_time_of_children_and_bytes(tmp_path):
    meter = Meter()
    subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    (tmp_path / "file").read_bytes()
    cost = meter.cost()
    assert cost.cpu_seconds > 0.02
    assert cost.wall_seconds >= 0.02
    assert cost.read_bytes >= 3_000_000
    assert cost.written_bytes >= 3_000_000


def test_the_peak_stays_when_memory_is_given_back():
    before = memory_bytes()
    held = np.ones(20_000_000)
    size = held.nbytes
    del held
    assert Meter().cost().peak_memory_bytes >= before + 0.9 * size


def test_memory_that_is_not_there_is_refused_with_the_figure():
    meter = Meter(Budget(max_memory=memory_bytes() + (1 << 30)))
    meter.check_memory("reading", 1 << 20, "4,000 rows of 30 columns")
    with pytest.raises(BudgetError, match=r"too little for reading: about 2.0 GiB for 9 rows, beside .* allow"):
        meter.check_memory("reading", 2 << 30, "9 rows")
    Meter().check_memory("reading", 1 << 60, "all rows there are")


def test_costs_of_several_runs_add_up():
    runs = [Cost(1.0, 2.0, 100, 10, None).to_dict(), Cost(0.5, 1.0, 70, 5, None).to_dict()]
    assert Cost.total(runs) == Cost(1.5, 3.0, 100, 15, None).to_dict()


def test_a_run_that_was_stopped_is_no_failure(tmp_path):
    ledger = Ledger(tmp_path)
    for outcome in ("pass", STOPPED, STOPPED, "no"):
        ledger.append(Run("snapshot", outcome, outcome, "fraud", now()))
    assert ledger.success("snapshot") | {"interval": None} == {
        "runs": 2,
        "passed": 1,
        "rate": 0.5,
        "interval": None,
    }
    assert ledger.last("snapshot", STOPPED).outcome == STOPPED
