"""`resampler stream pause` and `resume`: what they do, say and keep, and how they exit."""

import json

import pytest
from click.testing import CliRunner

from resampler.errors import InvalidInputError, ResamplerError
from resampler.ledger import Ledger
from stream import EmbeddedServer, Settings, Worker
from stream.commands.cli import stream
from stream.redis.connection import connect, raw_command
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard.checkpoint import Checkpoint
from stream.shard.pause import read_switches


@pytest.fixture
def command(server, monkeypatch):
    monkeypatch.setenv("RESAMPLER_REDIS_URL", server.url)

    def run(*arguments, fails=False):
        result = CliRunner().invoke(stream, [str(one) for one in arguments])
        assert (result.exception is not None) == fails, result.output
        return result

    return run


def test_a_worker_pauses_and_goes_on_within_the_wait(
    server, client, name, schema, make_rows, add_text, serving, wait_for, command, tmp_path
):
    add_text(client, name, *make_rows(300, minority=0.2))
    worker = serving(server.url, name, Settings(schema, linger_ms=1))
    wait_for(lambda: (found := Checkpoint.load(client, ShardKeys(name))) and found.rows >= 299)
    ledger = tmp_path / "ledger"
    common = ("--stream", name, "--wait", 60)
    report = json.loads(command("pause", *common, "--reason", "labels  shift\n", "--ledger", ledger, "--json").stdout)
    (shard,) = report["shards"]
    assert (report["paused"], report["already"], report["reason"]) == (True, False, "labels shift")
    assert (shard["done"], shard["owner"]) == (True, worker.owner)
    assert shard["cursor"] == Checkpoint.load(client, ShardKeys(name)).changes.switches[-1].cursor
    assert f"{name}: no synthetic rows behind {shard['cursor']}" in command("pause", *common).stderr
    assert "is paused already, since" in command("pause", *common, "--reason", "another").stderr
    shown = command("status", "--stream", name).stdout
    assert f"paused behind {shard['cursor']} since" in shown
    assert "labels shift" in shown
    assert "another" not in shown
    assert f"{name}: synthetic rows again behind" in command("resume", *common, "--ledger", ledger).stderr
    assert f"{name} is not paused" in command("resume", *common).stderr
    said = json.loads(command("status", "--stream", name, "--json").stdout)["shards"][0]
    assert (said["paused"], said["pause_asked"]) == (False, None)
    assert [one["paused"] for one in said["pauses"]] == [True, False]
    runs = list(Ledger(ledger).runs())
    assert [(run.step, run.outcome, run.subject) for run in runs] == [
        ("pause", "pass", f"stream {name}"),
        ("resume", "pass", f"stream {name}"),
    ]
    assert runs[0].details["shards"][0]["cursor"] == shard["cursor"]


def test_what_nobody_owns_is_said(client, name, make_rows, add_text, run_worker, command):
    for keys in shard_keys(name, 2):
        add_text(client, keys.input, *make_rows(50))
    run_worker(name, shards=2)
    said = command("pause", "--stream", name).stderr  # as many shards as its first worker had
    for keys in shard_keys(name, 2):
        assert f"{keys.input}: no worker owns it now; the next one makes none from its first row on" in said
    assert "asked to pause at" in command("status", "--stream", name, "--shards", 2).stdout
    run_worker(name, shards=2)
    assert all(read_switches(client, keys)[-1].paused for keys in shard_keys(name, 2))
    assert (
        "no worker owns it now; the next one makes synthetic rows again" in command("resume", "--stream", name).stderr
    )
    assert "asked to go on, which no worker has done yet" in command("status", "--stream", name, "--shards", 2).stdout
    assert "is not paused" not in command("resume", "--stream", name).stderr  # it is, until a worker goes on


def test_an_owner_that_does_not_switch_is_named(client, name, make_rows, add_text, run_worker, command):
    """As a worker of an earlier release, which knows nothing of pauses."""
    add_text(client, name, *make_rows(50))
    run_worker(name)
    client.set(ShardKeys(name).lease, "an earlier release", px=60_000)
    result = command("pause", "--stream", name, "--wait", 0.1, fails=True)
    assert isinstance(result.exception, ResamplerError)
    assert f"the owners of {name} have not carried it out: the request is kept" in str(result.exception)
    assert "worker an earlier release has not taken it over yet" in result.stderr
    assert command("pause", "--stream", name, "--wait", 0).exit_code == 0
    assert client.exists(ShardKeys(name).pause)


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_stream_that_is_not_there(client, name, command, verb):
    result = command(verb, "--stream", name, fails=True)
    assert f"stream '{name}' does not exist" in str(result.exception)
    assert not client.exists(ShardKeys(name).pause)


@pytest.mark.parametrize(
    ("options", "words"),
    [(("--wait", -1), "--wait must be 0 or more"), (("--reason", "x" * 201), "at most 200 characters, got 201")],
)
def test_what_breaks_a_rule(name, command, options, words):
    result = command("pause", "--stream", name, *options, fails=True)
    assert isinstance(result.exception, InvalidInputError)
    assert words in str(result.exception)


def test_what_else_stands_in_the_key_is_named(client, name, make_rows, add_text, command, run_worker):
    keys = ShardKeys(name)
    add_text(client, name, *make_rows(50))
    client.set(keys.pause, "yes")
    assert f"key '{keys.pause}' holds no request for a pause" in str(
        command("status", "--stream", name, fails=True).exception
    )
    client.delete(keys.pause)
    client.lpush(keys.pause, "x")
    with pytest.raises(ResamplerError, match="holds something of another type"):
        run_worker(name)


def test_the_rights_of_a_worker_are_enough(schema, make_rows, add_text, serving, wait_for):
    with EmbeddedServer() as server, connect(server.url) as client:
        rights = ["~fraud*", "~{fraud*", "+@read", "+@write", "+@scripting", "+@connection", "+info", "+time"]
        client.execute_command("ACL", "SETUSER", "me", "on", ">secret", *rights)
        url = server.url.replace("unix://", "unix://me:secret@")
        add_text(client, "fraud", *make_rows(50))
        worker = serving(url, "fraud", Settings(schema, linger_ms=1))
        wait_for(lambda: (found := Checkpoint.load(client, ShardKeys("fraud"))) and found.rows >= 49)
        for verb in ("pause", "resume"):
            result = CliRunner().invoke(stream, [verb, "--stream", "fraud", "--url", url, "--wait", "60", "--json"])
            assert result.exception is None
            assert json.loads(result.stdout)["shards"][0]["done"]
        assert [one.paused for one in read_switches(client, ShardKeys("fraud"))] == [True, False]
        worker.stop()


def test_shards_of_a_cluster(schema, make_rows, add_text, free_port, wait_for):
    options = ("--port", str(free_port), "--bind", "127.0.0.1", "--cluster-enabled", "yes")
    with EmbeddedServer(options=options) as server, connect(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        wait_for(lambda: b"cluster_state:ok" in raw_command(client, "CLUSTER", "INFO"))
        for keys in shard_keys("fraud", 3):
            add_text(client, keys.input, *make_rows(100))
        url = f"redis+cluster://127.0.0.1:{free_port}"
        for verb in ("pause", "resume"):
            Worker(url, "fraud", Settings(schema), shards=3, until_idle_s=0.3).run()
            result = CliRunner().invoke(stream, [verb, "--stream", "fraud", "--url", url])
            assert result.exception is None
        Worker(url, "fraud", Settings(schema), shards=3, until_idle_s=0.3).run()
        for keys in shard_keys("fraud", 3):
            assert [one.paused for one in read_switches(client, keys)] == [True, False]
