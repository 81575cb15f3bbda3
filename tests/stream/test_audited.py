"""Rows of a stream beside their parents: what is shown is so, and a parent that is gone is said."""

import numpy as np
import pytest

from resampler import MicroBatch
from resampler.errors import DataError, InvalidInputError
from resampler.runs.sample import in_words
from resampler.secret import SecretKey
from stream import Feed
from stream.audited import sample_of_output
from stream.formats.identity import encode
from stream.redis.keys import ShardKeys


@pytest.fixture
def written(server, client, name, make_rows, add_text, run_worker):
    X, y = make_rows(600, minority=0.2)
    add_text(client, name, X, y)
    run_worker(name, linger_ms=1)
    with Feed(server.url, name, idle_s=0.01) as feed:
        return MicroBatch.concat(list(feed))


def test_rows_stand_beside_their_parents(server, name, written):
    shown = sample_of_output(name, n=12, url=server.url)
    assert len(shown) == 12
    real = {
        int(row_id): row
        for row_id, row, made in zip(written.row_id, written.X, written.is_synthetic, strict=True)
        if not made
    }
    for one in shown:
        base, neighbor = (np.array([*one[side]["values"].values()]) for side in ("base", "neighbor"))
        assert np.array_equal(base, real[encode(one["base"]["keys"]["row_id"])])
        assert np.array_equal(neighbor, real[encode(one["neighbor"]["keys"]["row_id"])])
        made = np.array([*one["synthetic"]["values"].values()])
        assert made == pytest.approx(base + one["step"] * (neighbor - base), abs=1e-5)
        assert one["distance"]["nearest_real"] <= one["distance"]["base"] + 1e-9
        assert one["class"] == "1"
    assert sample_of_output(name, n=12, url=server.url) == shown
    assert list(sample_of_output(name, n=3, url=server.url)) == shown[:3]
    lines = list(in_words(shown, f"stream {name}", ()))
    assert sum("of the way from its base (row_id " in line for line in lines) == 12


def test_redacted_columns_and_ids_stand_nowhere(server, name, written):
    for one in sample_of_output(name, n=5, url=server.url, redacted=("b", "row_id")):
        assert [*one["base"]["values"]] == ["a", "c"]
        assert one["base"]["keys"] == {}
    with pytest.raises(InvalidInputError, match="--redact must name columns of a, b, c, row_id, got 'x'"):
        sample_of_output(name, n=5, url=server.url, redacted=("x",))


def test_a_parent_that_was_trimmed_away_is_marked(server, client, name, written):
    keys = ShardKeys(name)
    client.xtrim(keys.output, maxlen=client.xlen(keys.output) // 2, approximate=False)
    shown = sample_of_output(name, n=200, url=server.url)
    gone = [one for one in shown if one["base"].get("missing")]
    assert gone
    assert all(one["distance"]["base"] is None and one["base"]["values"] == {} for one in gone)
    assert any("no longer there" in line for line in in_words(shown, name, ()))


def test_a_keyed_stream_is_sampled_by_its_key(server, client, name, make_rows, add_text, run_worker, schema):
    key = SecretKey(b"sixteen bytes or more")
    add_text(client, name, *make_rows(600, minority=0.2))
    run_worker(name, linger_ms=1, secret_key=key)
    with pytest.raises(InvalidInputError, match="give --secret-key"):
        sample_of_output(name, n=5, url=server.url)
    with pytest.raises(InvalidInputError, match="give that one"):
        sample_of_output(name, n=5, url=server.url, secret_key=SecretKey(b"another sixteen bytes"))
    assert len(sample_of_output(name, n=5, url=server.url, secret_key=key)) == 5


def test_hardened_rows_have_no_parents(server, client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(600, minority=0.2))
    run_worker(name, linger_ms=1, strategy="hardened", secret_key=SecretKey(b"sixteen bytes or more"))
    with pytest.raises(DataError, match="hardened rows, which have no parents"):
        sample_of_output(name, n=5, url=server.url)
