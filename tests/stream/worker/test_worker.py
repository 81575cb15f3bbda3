import numpy as np
import pytest

from resampler import FeatureSchema, MicroBatch, OnlineResampler
from resampler.errors import ResamplerError
from stream import Feed, Settings, encode_batch, encode_row
from stream.formats import OutputFormat
from stream.formats.identity import encode
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import GapError


def _same(batch, other):
    return all(
        getattr(batch, name).tobytes() == getattr(other, name).tobytes()
        for name in ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")
    )


@pytest.fixture
def rows_of(server):
    def rows(name, **options):
        with Feed(server.url, name, idle_s=0.01, **options) as feed:
            return MicroBatch.concat(list(feed))

    return rows


def test_output_is_the_resamplers(client, name, schema, make_rows, add_text, run_worker, rows_of):
    X, y = make_rows(2_000)
    add_text(client, name, X, y)
    run_worker(name)
    ids = [encode(f"{i + 1}-0") for i in range(len(y))]
    assert _same(rows_of(name), OnlineResampler(schema, ratio=0.5, seed=1).process(X, y, ids))


@pytest.mark.parametrize(
    "parameters",
    [
        {"strategy": "adasyn", "clean": True},
        {"strategy": "borderline", "quota": "poisson", "warmup": 300},
        {"ratio": 0.2, "undersample": 0.2},
    ],
)
@pytest.mark.parametrize("output_format", ["packed", "arrow", "text"])
def test_every_parameter_reaches_the_resampler(
    client, name, schema, make_rows, add_text, run_worker, rows_of, parameters, output_format
):
    X, y = make_rows(800, minority=0.05)
    add_text(client, name, X, y)
    parameters = {"ratio": 0.5, "seed": 1} | parameters
    batch_rows = 2 if "undersample" in parameters else 256  # so that all rows of an entry are dropped
    run_worker(name, output_format=OutputFormat(output_format), batch_rows=batch_rows, **parameters)
    ids = [encode(f"{i + 1}-0") for i in range(len(y))]
    assert _same(rows_of(name), OnlineResampler(schema, **parameters).process(X, y, ids))


def test_formats_mean_the_same(client, name, schema, make_rows, add_text, run_worker, rows_of):
    X, y = make_rows(300)
    add_text(client, f"{name}-text", X, y)
    for i in range(len(y)):
        client.xadd(f"{name}-row", encode_row(X[i], y[i], schema), id=f"{i + 1}-0")
        row = ",".join(f'"{n}":{v}' for n, v in zip(schema.names, X[i], strict=True))
        client.xadd(f"{name}-json", {"json": f'{{{row},"label":{y[i]}}}'}, id=f"{i + 1}-0")
    expected = None
    for kind in ("text", "row", "json"):
        run_worker(f"{name}-{kind}")
        expected = expected or rows_of(f"{name}-text")
        assert _same(rows_of(f"{name}-{kind}"), expected)


@pytest.mark.parametrize("output_format", ["packed", "arrow", "text"])
def test_output_formats_hold_the_same_rows(client, name, make_rows, add_text, run_worker, rows_of, output_format):
    X, y = make_rows(400)
    add_text(client, f"{name}-a", X, y)
    add_text(client, f"{name}-b", X, y)
    run_worker(f"{name}-a")
    run_worker(
        f"{name}-b", output_format=Settings(FeatureSchema.numeric(["x"]), output_format=output_format).output_format
    )
    assert _same(rows_of(f"{name}-a"), rows_of(f"{name}-b"))


def test_how_entries_arrive_changes_no_byte(client, name, make_rows, add_text, run_worker, read_raw):
    X, y = make_rows(1_000)
    add_text(client, f"{name}-a", X, y)
    run_worker(f"{name}-a")
    for start in range(0, 1_000, 137):  # a worker that comes and goes, over input that comes and goes
        add_text(client, f"{name}-b", X[start : start + 137], y[start : start + 137], first=start + 1)
        if start == 411:
            worker_at = ShardKeys(f"{name}-b")
            run_worker(f"{name}-b", linger_ms=1)
            assert Checkpoint.load(client, worker_at).rows == 548
    run_worker(f"{name}-b", linger_ms=1)
    add_text(client, f"{name}-c", X, y)
    run_worker(f"{name}-c", linger_ms=1, snapshot_rows=100, batch_rows=7)
    assert read_raw(client, f"{name}-b") == read_raw(client, f"{name}-c")
    rows = sum(len(entry[1][3]) for entry in read_raw(client, f"{name}-a")[0])
    assert rows < sum(len(entry[1][3]) for entry in read_raw(client, f"{name}-b")[0])  # fewer, larger entries


def test_snapshot_and_replay_restore_the_same_state(client, name, make_rows, add_text, run_worker, read_raw):
    X, y = make_rows(1_500)
    add_text(client, f"{name}-whole", X, y)
    run_worker(f"{name}-whole", linger_ms=1)
    for start in range(0, 1_500, 500):
        add_text(client, f"{name}-parts", X[start : start + 500], y[start : start + 500], first=start + 1)
        run_worker(f"{name}-parts", linger_ms=1, snapshot_rows=350, trim=start == 500)
    assert read_raw(client, f"{name}-parts") == read_raw(client, f"{name}-whole")


def test_automatic_ids_and_live_rows(client, server, name, make_rows, schema, rows_of, serving, wait_for):
    X, y = make_rows(500)
    serving(server.url, name, Settings(schema, seed=1))
    sent = [client.xadd(name, encode_row(X[i], y[i])) for i in range(500)]
    wait_for(lambda: (stored := Checkpoint.load(client, ShardKeys(name))) and stored.rows == 500)
    batch = rows_of(name)
    assert batch.row_id[~batch.is_synthetic].tolist() == [encode(entry_id.decode()) for entry_id in sent]


def test_batch_entries(client, name, make_rows, run_worker, rows_of):
    X, y = make_rows(1_000)
    for start in range(0, 1_000, 250):
        client.xadd(name, encode_batch(X[start : start + 250], y[start : start + 250]), id=f"5-{start}")
    run_worker(name)
    batch = rows_of(name)
    np.testing.assert_array_equal(batch.X[~batch.is_synthetic], X)
    assert batch.row_id[3] == encode("5-0:3")


def test_bad_rows_become_dead_letters(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(50)
    add_text(client, name, X, y)
    client.xadd(name, {"a": "1", "b": "2", "c": "nan", "label": "0"}, id="100-0")
    client.xadd(name, {"a": "1", "b": "2", "label": "0"}, id="101-0")
    broken = np.array(X[:5])
    broken[2, 1] = np.inf
    client.xadd(name, encode_batch(broken, y[:5]), id="102-0")
    run_worker(name)
    letters = client.xrange(ShardKeys(name).dead)
    assert [(i, f[b"reason"]) for i, f in letters] == [
        (b"100-0", b"not_finite"),
        (b"101-0", b"missing_field"),
        (b"102-0", b"not_finite"),
    ]
    assert letters[0][1][b"c"] == b"nan"
    assert letters[2][1][b"rows"] == encode_batch(broken[2:3], y[2:3])[b"rows"]
    stored = Checkpoint.load(client, ShardKeys(name))
    assert (stored.rows, stored.rejected) == (54, 3)


def test_class_beyond_the_limit_is_a_dead_letter(client, name, run_worker):
    for label in range(40):
        client.xadd(name, encode_row([0.0, 0.0, 0.0], label))
    run_worker(name)
    assert {f[b"reason"] for _, f in client.xrange(ShardKeys(name).dead)} == {b"too_many_classes"}
    assert client.xlen(ShardKeys(name).dead) == 8


def test_other_settings_are_refused(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(10))
    run_worker(name)
    with pytest.raises(ResamplerError, match=r"begun with other settings \(seed 1 -> 2\)"):
        run_worker(name, seed=2)


def test_trimmed_unread_is_a_loud_stop(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(100)
    add_text(client, name, X[:50], y[:50])
    run_worker(name, snapshot_rows=1)
    add_text(client, name, X[50:], y[50:], first=51)
    client.xtrim(name, minid="71-0", approximate=False)
    with pytest.raises(GapError, match=r"20 entries .* were trimmed"):
        run_worker(name)
    run_worker(name, allow_gap=True)
    stored = Checkpoint.load(client, ShardKeys(name))
    assert (stored.rows, stored.entries) == (80, 100)


def test_trimmed_before_replay_is_a_loud_stop(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    run_worker(name)
    client.xtrim(name, maxlen=0, approximate=False)
    with pytest.raises(GapError, match="must be replayed"):
        run_worker(name)


def test_trimming_what_was_read_is_no_gap(client, name, make_rows, add_text, run_worker):
    X, y = make_rows(100)
    add_text(client, name, X[:50], y[:50])
    run_worker(name, snapshot_rows=1)
    client.xtrim(name, maxlen=0, approximate=False)
    add_text(client, name, X[50:], y[50:], first=51)
    run_worker(name)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 100


def test_deleted_input_is_noticed(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(50))
    run_worker(name, snapshot_rows=1)
    client.delete(name)
    with pytest.raises(GapError, match="deleted, renamed or put back"):
        run_worker(name)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("0", 100),
        ("40-0", 60),
        ("$", 0),
        ("tail", 0),
        ("1970-01-01T00:00:00.091", 10),
        ("1970-01-01T00:00:00.091Z", 10),
    ],
)
def test_start_positions(client, name, make_rows, add_text, run_worker, start, expected):
    add_text(client, name, *make_rows(100))
    run_worker(name, start=start)
    stored = Checkpoint.load(client, ShardKeys(name))
    assert (stored.rows, stored.entries) == (expected, 100)


def test_forgotten_row_is_no_parent_again(client, name, make_rows, add_text, run_worker, rows_of, server):
    X, y = make_rows(400, minority=0.1)
    add_text(client, name, X[:200], y[:200])
    run_worker(name)
    gone = rows_of(name)
    parent = int(gone.base_id[gone.is_synthetic][-1])
    client.sadd(ShardKeys(name).forget, str(parent))
    run_worker(name)
    before = len(rows_of(name))
    add_text(client, name, X[200:], y[200:], first=201)
    run_worker(name)
    after = rows_of(name)
    assert parent not in after.base_id[before:]
    assert parent not in after.neighbor_id[before:]
    assert client.scard(ShardKeys(name).forget) == 0


def test_server_without_the_script_is_given_it_again(client, name, make_rows, add_text, run_worker):
    client.script_flush()
    add_text(client, name, *make_rows(10))
    run_worker(name)
    assert Checkpoint.load(client, ShardKeys(name)).rows == 10


def test_consumer_group_shows_the_lag(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(10))
    run_worker(name)
    add_text(client, name, *make_rows(5), first=11)
    (group,) = client.xinfo_groups(name)
    assert (group["name"], group["lag"]) == (b"resampler", 5)
