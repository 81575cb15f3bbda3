"""What a stream's output gives away, as `resampler audit privacy --stream` reads it."""

from functools import partial

import numpy as np
import plain_attacks
import pytest
from click.testing import CliRunner

from resampler.commands.audit import audit
from resampler.errors import DataError, ResamplerError
from resampler.runs.privacy.outputs import output_of
from resampler.runs.privacy.parts import expose
from stream import Settings
from stream.audited import sample_of_output
from stream.exposed import rows_of_output
from stream.redis.keys import shard_keys


@pytest.fixture
def emit(client, name, run_worker, add_text, schema):
    """Run workers over rows; return the stream's name."""

    def run(X, y, shards=1, **parameters):
        for shard, keys in enumerate(shard_keys(name, shards)):
            add_text(client, keys.input, X[shard::shards], y[shard::shards])
        run_worker(name, shards=shards, settings=Settings(schema, **{"seed": 1, "ratio": 0.9} | parameters))
        return name

    return run


@pytest.mark.parametrize("shards", [1, 2])
def test_parents_come_before_and_the_control_after(server, emit, make_rows, shards):
    X, y = make_rows(900, seed=8)
    parts = output_of("stream")(emit(X, y, shards=shards), url=server.url, rows=100_000)
    assert parts.real.num_rows + parts.held_out.num_rows == 900
    assert parts.synthetic.num_rows > 100
    assert parts.parents.shape == (parts.synthetic.num_rows, 2)
    seen = expose(parts)
    (exposed,) = seen.exposures
    assert exposed.name == "1"
    assert exposed.known is None
    assert len(np.unique(seen.bases["1"])) <= len(exposed.real)
    assert len(exposed.real) + len(exposed.held_out) == np.count_nonzero(y == 1)


def test_only_the_newest_rows_are_read(server, emit, make_rows):
    name = emit(*make_rows(900, seed=8))
    every, few = (rows_of_output(name, url=server.url, rows=n) for n in (100_000, 300))
    assert few.real.num_rows + few.synthetic.num_rows == 200
    assert every.held_out.slice(every.held_out.num_rows - 5).equals(few.held_out.slice(few.held_out.num_rows - 5))


def test_the_command(server, emit, make_rows, monkeypatch, tmp_path):
    plain_attacks.use(monkeypatch)
    name = emit(*make_rows(900, seed=8))
    asked = ["privacy", "--stream", name, "--redis", server.url, "--resume", str(tmp_path), "--no-what-if"]
    done = CliRunner().invoke(audit, asked, standalone_mode=False)
    assert done.exception is None
    assert done.return_value in (0, 3)
    assert f"stream {name}" in done.stdout
    assert "real rows of the last third are the control" in " ".join(done.stdout.split())


def test_nothing_to_attack(server, emit, make_rows, name):
    with pytest.raises(ResamplerError):
        rows_of_output(name, url=server.url)
    X, y = make_rows(30)
    with pytest.raises(DataError, match="holds no synthetic rows"):
        rows_of_output(emit(X, np.zeros_like(y)), url=server.url)


def test_a_secret_key_is_no_seed_to_know(server, emit, make_rows, monkeypatch):
    monkeypatch.setenv("STREAM_SECRET", "a secret of enough bytes")
    parts = rows_of_output(emit(*make_rows(600), secret_key="env:STREAM_SECRET"), url=server.url)
    assert (parts.seed, parts.keyed) == (None, True)
    assert "keyed on the secret" in parts.notes[-1]


def test_rows_of_one_id_in_two_shards_are_two_parents(server, client, name, run_worker, add_text, schema, make_rows):
    X, y = make_rows(600, seed=8)
    for keys in shard_keys(name, 2):  # the same rows under the same ids
        add_text(client, keys.input, X, y)
    run_worker(name, shards=2, settings=Settings(schema, seed=1, ratio=0.9))
    alone = rows_of_output(name, url=server.url, rows=100_000).parents
    halves = np.split(alone, 2)
    assert not np.isin(*halves).any()
    assert (halves[0] - halves[0].min() == halves[1] - halves[1].min()).all()


def test_a_stream_that_nobody_has_begun_and_an_output_of_another_type_are_named(server, client, name, emit, make_rows):
    client.xadd(f"{name}-new", {"a": 1})
    with pytest.raises(ResamplerError, match="has no output yet: no worker has begun it"):
        rows_of_output(f"{name}-new", url=server.url)
    emit(*make_rows(200))
    client.delete(f"{{{name}}}:out")
    client.set(f"{{{name}}}:out", "x")
    for read in (rows_of_output, partial(sample_of_output, n=1)):
        with pytest.raises(ResamplerError, match=f"key '{{{name}}}:out' must be a stream and is a string"):
            read(name, url=server.url)
