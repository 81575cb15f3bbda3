"""One meaning of labels and categories in every format: a feed gives codes, a table gives values."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from wire import entries_of

from resampler import ContractError, CorruptStateError, Feature, FeatureSchema, Label, MicroBatch
from stream import Feed, OutputFormat, Settings, decode_output
from stream.commands.export import export_parquet
from stream.formats import encode_output
from stream.formats.arrow import write_ipc
from stream.formats.table import INPUTS
from stream.redis.keys import ShardKeys

LABELS = {
    "any integer": Label("y"),
    "listed integers": Label("y", classes=(7, -3)),
    "strings": Label("y", "string", ("good", "bad")),
}
WORDS, SIZES = ("red", "green", "blue"), (36, 40, 44)
FEATURES = (
    Feature("a"),
    Feature("colour", "string", categorical=True, categories=WORDS),
    Feature("size", "int64", categorical=True, categories=SIZES),
)
N = 40


@pytest.fixture(params=LABELS)
def schema(request):
    return FeatureSchema(FEATURES, LABELS[request.param])


@pytest.fixture
def rows(schema):
    """Rows as values, and as the codes that stand for them."""
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.normal(size=N), np.arange(N) % 3, np.arange(N) % 2]).astype(np.float32)
    places = (np.arange(N) % 5 == 0).astype(np.int64)
    classes = schema.label.classes or (0, 1)
    values = [
        {"a": float(x[0]), "colour": WORDS[int(x[1])], "size": SIZES[int(x[2])], "y": classes[place]}
        for x, place in zip(codes, places, strict=True)
    ]
    y = places if schema.label.dtype == "string" else np.array(classes)[places]
    return values, codes, y


@pytest.mark.parametrize("output_format", list(OutputFormat))
@pytest.mark.parametrize("input_format", INPUTS)
def test_a_feed_gives_codes_and_a_table_values(
    client, server, name, schema, rows, run_worker, tmp_path, input_format, output_format
):
    values, X, y = rows
    for fields in entries_of(input_format, schema, X, y):
        client.xadd(name, fields)
    run_worker(name, settings=Settings(schema, ratio=1.0, k_neighbors=2, output_format=output_format))
    with Feed(server.url, name, idle_s=0.01) as feed:
        batch = MicroBatch.concat(list(feed))
    real = ~batch.is_synthetic
    assert batch.y.dtype == np.int64
    assert batch.n_synthetic > 0
    np.testing.assert_array_equal(batch.y[real], y)
    np.testing.assert_array_equal(batch.X[real], X)

    path = tmp_path / "out.parquet"
    assert export_parquet([(client, ShardKeys(name))], path) == (len(batch), 0)
    table = pq.read_table(path)
    names = ["a", "colour", "size", "y"]
    expected = [row | {"a": np.float32(row["a"])} for row in values]
    assert table.filter(pa.array(real)).select(names).to_pylist() == expected
    assert table.schema.field("y").type == (pa.string() if schema.label.dtype == "string" else pa.int64())
    assert set(table["y"].to_pylist()) == {row["y"] for row in values}


def _batch(y):
    n, ids = len(y), np.arange(len(y))
    none, false = np.full(n, -1), np.zeros(n, dtype=np.bool_)
    return MicroBatch(np.zeros((n, 3), np.float32), np.array(y), false, ids, none, none, np.zeros(n, np.float32))


def test_arrow_entries_carry_codes_and_those_of_names_are_read_too():
    schema = FeatureSchema(FEATURES, LABELS["strings"])
    batch = _batch([1, 0, 1])
    entry = dict(zip(*[iter(encode_output(batch, schema, OutputFormat.ARROW))] * 2, strict=True))
    table = pa.ipc.open_stream(entry[b"arrow"]).read_all()
    assert table["y"].type == pa.int64()
    early = table.set_column(3, "y", pa.array(["bad", "good", "bad"]))
    back = decode_output(entry | {b"arrow": write_ipc(early)}, schema)
    assert back.y.tolist() == decode_output(entry, schema).y.tolist() == [1, 0, 1]
    strange = table.set_column(3, "y", pa.array(["bad", "ugly", "bad"]))
    with pytest.raises(CorruptStateError, match="'ugly' is none of the contract's classes"):
        decode_output(entry | {b"arrow": write_ipc(strange)}, schema)


def test_a_code_of_no_class_is_refused_by_name():
    schema = FeatureSchema(FEATURES, LABELS["strings"])
    with pytest.raises(ContractError, match="label 'y': code 2 stands for none of the 2 values"):
        _batch([0, 2]).to_arrow(schema)
