"""What counts rows, against what an earlier release wrote."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from resampler.profile.cells import Cells
from resampler.profile.profile import Profile
from resampler.profile.profiler import Profiler


def test_format_1_is_written_as_it_was():
    i = np.arange(600)
    table = pa.table(
        {
            "x": pa.array(i * i % 613 / 8.0),
            "f": pa.array((i * 7 % 100).astype(np.float32) / np.float32(10)),
            "z": pa.array(np.where(i % 10, 0.0, i)),
            "n": pa.array([None if k % 9 == 0 else k % 50 for k in i.tolist()], pa.int64()),
            "c": pa.array([f"v{k * k % 37}" for k in i.tolist()]),
            "y": i % 2,
            "s": i % 5 == 0,
        }
    )
    cells = {name: Cells.fitted(table[name], categorical=name == "c", form=1) for name in "xfznc"}
    profiler = Profiler(cells, "y", "s", form=1)
    for start in range(0, 600, 250):
        profiler.add("train", table.slice(start, 250))
    then = (Path(__file__).parent / "profile-v1.json").read_text()
    assert profiler.profile().to_json() == then
    assert Profile.from_json(then).to_json() == then
