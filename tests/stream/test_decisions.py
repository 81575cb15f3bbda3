"""A decision is written to a stream once, however often it is sent."""

import json

import pytest

from resampler.errors import ResamplerError
from stream.decisions import to_stream

DECISION = {"step": "drift", "retrain": True, "key": "k1", "drifted": ["a"]}


def test_written_once(client, name, server):
    first = to_stream(name, DECISION, url=server.url)
    assert to_stream(name, DECISION, url=server.url) == first
    second = to_stream(name, DECISION | {"key": "k2", "retrain": False}, url=server.url)
    entries = client.xrange(name)
    assert [entry_id.decode() for entry_id, _ in entries] == [first, second]
    assert entries[0][1][b"key"] == b"k1"
    assert json.loads(entries[0][1][b"decision"]) == DECISION


def test_a_key_of_another_type(client, name, server):
    client.set(name, "mine")
    with pytest.raises(ResamplerError, match=f"{name}' must be a stream and is a string"):
        to_stream(name, DECISION, url=server.url)
    assert client.get(name) == b"mine"


def test_no_server():
    with pytest.raises(ResamplerError, match="start the server or correct --url"):
        to_stream("decisions", DECISION, url="unix:///nowhere.sock")
