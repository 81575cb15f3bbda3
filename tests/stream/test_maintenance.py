"""A stream's window of maintenance: declared on the server, seen by workers, ended by itself."""

import json
import time

import pytest
from click.testing import CliRunner

from resampler.commands.maintenance import maintenance
from resampler.errors import CorruptStateError, ResamplerError
from resampler.monitoring.window import declare
from stream import EmbeddedServer
from stream.maintenance import StreamWindows
from stream.redis.connection import connect
from stream.redis.keys import maintenance_key
from stream.settings import Settings


@pytest.fixture
def windows(server, name):
    return StreamWindows(name, server.url)


def test_a_window_ends_by_itself_or_when_someone_ends_it(windows, client, name):
    assert windows.current(0.0) is None
    first = declare(name, 3600, "ann@host", "new labels")
    windows.declare(first)
    assert windows.current(0.0) == first
    assert 3_590_000 < client.pttl(maintenance_key(name)) <= 3_600_000
    windows.declare(later := declare(name, 60, "bob@host"))
    assert windows.end("ann@host", 0.0) == later
    assert windows.end("ann@host", 0.0) is None
    windows.declare(first)
    client.pexpire(maintenance_key(name), 1)
    time.sleep(0.02)
    assert windows.current(0.0) is None


def test_what_something_else_wrote_is_named_and_kept(windows, client, name):
    key = maintenance_key(name)
    client.set(key, "mine")
    with pytest.raises(CorruptStateError, match="holds no window of maintenance"):
        windows.declare(declare(name, 60, "ann"))
    client.delete(key)
    client.sadd(key, "mine")
    with pytest.raises(ResamplerError, match=f"{key}' must be a string and is a set"):
        windows.current(0.0)
    assert client.smembers(key) == {b"mine"}


def test_the_command_declares_shows_and_ends(server, name):
    def run(*words):
        found = CliRunner().invoke(maintenance, [*words, "--stream", name, "--url", server.url, "--json"])
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)["window"]

    declared = run("on", "--for", "2h", "--reason", "more labels", "--by", "ann")
    assert declared["dataset"] == name
    assert (declared["who"], declared["reason"]) == ("ann", "more labels")
    assert run("show") == declared == run("off")
    assert run("show") is None


def test_a_worker_says_it_while_it_lasts(windows, server, client, name, schema, serving, wait_for):
    worker = serving(server.url, name, Settings(schema, ratio=0.5))

    def says(value):
        return (
            worker.metrics.registry.get_sample_value("resampler_maintenance", {"dataset": name, "kind": "stream"})
            == value
        )

    assert says(0)
    wait_for(lambda: worker.begun, seconds=300)  # kernels may have to be compiled first
    windows.declare(declare(name, 3600, "ann"))
    wait_for(lambda: says(1))
    client.persist(maintenance_key(name))  # what never ends is no window
    wait_for(lambda: says(0))
    windows.declare(declare(name, 3600, "ann"))
    wait_for(lambda: says(1))
    windows.end("ann", 0.0)
    wait_for(lambda: says(0))


def test_a_window_of_a_server_whose_memory_is_full_is_ended(name, schema, serving, wait_for):
    with EmbeddedServer() as server, connect(server.url) as client:
        worker = serving(server.url, name, Settings(schema, ratio=0.5))
        windows = StreamWindows(name, server.url)

        def says(value):
            return (
                worker.metrics.registry.get_sample_value("resampler_maintenance", {"dataset": name, "kind": "stream"})
                == value
            )

        wait_for(lambda: worker.begun, seconds=300)
        windows.declare(declare(name, 3600, "ann"))
        wait_for(lambda: says(1))
        client.config_set("maxmemory", 1)
        windows.end("ann", 0.0)
        wait_for(lambda: says(0))
        worker.stop()


def test_a_server_that_is_away_within_a_window_leaves_it_open_until_its_end(name, schema, serving, wait_for):
    with EmbeddedServer() as server:
        worker = serving(server.url, name, Settings(schema, ratio=0.5))
        StreamWindows(name, server.url).declare(declare(name, 3600, "ann"))

        def shown(metric, **labels):
            return worker.metrics.registry.get_sample_value(metric, labels)

        wait_for(lambda: shown("resampler_maintenance", dataset=name, kind="stream") == 1, seconds=300)
    wait_for(lambda: shown("resampler_server_up", stream=name, shard=name) == 0)
    for _ in range(20):
        assert shown("resampler_maintenance", dataset=name, kind="stream") == 1
        time.sleep(0.05)
    worker._window_ends_s = time.monotonic()  # an hour later
    wait_for(lambda: shown("resampler_maintenance", dataset=name, kind="stream") == 0)
