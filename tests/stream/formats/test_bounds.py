"""The least and the greatest value of every dtype pass through a stream, as the float32 that they are rounded to."""

import numpy as np
import pyarrow as pa
import pytest

from resampler import Feature, FeatureSchema, Label, MicroBatch
from resampler.dtypes import DTYPES
from stream import Feed, InputFormat, Settings, encode_batch
from stream.formats.arrow import write_ipc

WHOLE = [name for name, dtype in DTYPES.items() if dtype.bounds]
SCHEMA = FeatureSchema(tuple(Feature(name, name, scale=1e3) for name in WHOLE), Label("y"))
VALUES = [dict(zip(WHOLE, (DTYPES[name].bounds[end] for name in WHOLE), strict=True)) for end in (0, 1)]
CODES = np.array([list(row.values()) for row in VALUES], dtype=np.float64).astype(np.float32)


def _entries(input_format):
    if input_format is InputFormat.TEXT:
        return [{name: str(value) for name, value in row.items()} | {"y": "0"} for row in VALUES]
    if input_format is InputFormat.ROWS:
        return [encode_batch(CODES, np.zeros(2, dtype=np.int64))]
    columns = {name: pa.array([row[name] for row in VALUES]).cast(DTYPES[name].arrow_type) for name in WHOLE}
    return [{"arrow": write_ipc(pa.table(columns | {"y": pa.array([0, 0])}))}]


@pytest.mark.parametrize("input_format", [InputFormat.TEXT, InputFormat.ROWS, InputFormat.ARROW])
def test_the_ends_of_integers_stop_no_stream(client, server, name, run_worker, input_format):
    for fields in _entries(input_format):
        client.xadd(name, fields)
    run_worker(name, settings=Settings(SCHEMA, round_to_float32=True))
    with Feed(server.url, name, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    np.testing.assert_array_equal(batch.X, CODES)
