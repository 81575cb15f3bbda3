"""What measures from outside counts what children hold and spend; generated tables follow from their seed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench import outside
from bench.scale_tables import KEY, LABEL, Shape, part, scattered, write

SPEND = """
import subprocess, sys, time
import numpy as np
held = np.ones(50_000_000, dtype=np.int8)
until = time.process_time() + 0.4
while time.process_time() < until: pass
if len(sys.argv) < 2:
    subprocess.run([sys.executable, sys.argv[0], "child"], check=True)
    print("done")
time.sleep(0.6)
"""

MEASURE = """
import json, sys
from bench import outside
taken = outside.run(*json.loads(sys.argv[1]))
print(json.dumps({name: value for name, value in vars(taken).items() if name != "_spent"}))
"""


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "spend.py"
    file.write_text(SPEND)
    return [sys.executable, str(file)]


def measured(program, limit_bytes=None):
    """Measure in a process that has no other children: all that it has are counted, and waited for."""
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, json.dumps([program, limit_bytes])],
        capture_output=True,
        check=True,
        cwd=Path(outside.__file__).parent.parent,
    )
    return json.loads(said.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_what_children_take_is_counted(program):
    taken = measured(program)
    assert taken["out"] == "done\n"
    assert 0.8 <= taken["cpu_seconds"] < 20
    assert 100e6 < taken["peak_bytes"] < 400e6
    assert 50e6 < taken["largest_bytes"] < taken["peak_bytes"]
    assert taken["processes"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_what_takes_too_much_is_killed(program):
    assert measured(program, limit_bytes=20_000_000)["killed"]


def test_a_table_is_the_same_however_it_is_cut(tmp_path):
    shape = Shape(rows=2_000, minority=300, numeric=4, levels=(3, 50), clusters=5)
    table = part(shape, 0)
    assert (table[LABEL].to_numpy() == 1).sum() == 300
    assert len(set(table["c0"].to_pylist())) == 3
    folders = [write(shape, tmp_path / "one"), scattered(shape, tmp_path / "seven", 7, 100)]
    for folder in folders:
        found = pa.concat_tables([pq.read_table(file) for file in sorted(folder.glob("*.parquet"))])
        assert found.take(pa.array(np.argsort(found[KEY].to_numpy()))).equals(table)
