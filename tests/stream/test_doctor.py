"""Items about a stream pass on a server and a worker that are as they should be, and fail on others."""

import numpy as np
import pytest

from resampler.doctor.checklist import items
from resampler.doctor.item import FAIL, PASS, UNKNOWN, Asked
from resampler.monitoring.window import declare
from stream import EmbeddedServer, Settings
from stream.doctor import ITEMS
from stream.maintenance import StreamWindows
from stream.redis.connection import connect


@pytest.fixture(scope="module")
def durable():
    with EmbeddedServer(appendonly=True) as running:
        yield running


def verdicts(url, name):
    asked = Asked(stream=name, url=url)
    return {item.name: item.answer(asked).verdict for item in ITEMS}


def test_all_pass_where_a_worker_is_at_work(durable, name, schema, serving, wait_for):
    worker = serving(durable.url, name, Settings(schema, ratio=0.5))
    wait_for(lambda: worker.owned == 1, seconds=300)
    wait_for(lambda: set(verdicts(durable.url, name).values()) == {PASS})
    StreamWindows(name, durable.url).declare(declare(name, 3600, "ann"))
    assert verdicts(durable.url, name)["no-stream-maintenance"] == FAIL


def test_what_a_stream_and_a_server_lack_is_said(server, client, name):
    assert verdicts(server.url, name)["server-persists"] == FAIL
    assert verdicts(server.url, name)["workers-alive"] == FAIL
    assert verdicts(server.url, name)["streams-trimmed"] == PASS
    pipe = client.pipeline(transaction=False)
    for _ in range(100_001):
        pipe.xadd(name, {"a": 1})
    pipe.execute()
    assert verdicts(server.url, name)["streams-trimmed"] == FAIL
    client.xtrim(name, maxlen=1)
    assert verdicts(server.url, name)["streams-trimmed"] == PASS


def test_a_server_that_throws_keys_away(name):
    with EmbeddedServer() as server, connect(server.url) as client:
        assert verdicts(server.url, name)["server-keeps-keys"] == PASS
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert verdicts(server.url, name)["server-keeps-keys"] == FAIL
        client.execute_command("ACL", "SETUSER", "default", "-info")
        found = verdicts(server.url, name)
        assert (found["server-keeps-keys"], found["server-persists"]) == (UNKNOWN, UNKNOWN)


def test_a_clock_that_is_off(server, name, monkeypatch):
    monkeypatch.setattr("stream.doctor.clock_skew_s", lambda _client: -np.float64(1.5))
    asked = Asked(stream=name, url=server.url)
    found = items()["clocks-agree"].answer(asked)
    assert found.verdict == FAIL
    assert found.reason == "this machine's clock is -1.500 s from the server's, of at most 1"


def test_a_server_that_is_away_is_unknown(name):
    assert set(verdicts("unix:///nowhere.sock", name).values()) == {UNKNOWN}
