"""What Redis refuses is told in words, whichever command meets it: never a traceback."""

import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import redis
from click.testing import CliRunner

from resampler.errors import ResamplerError
from stream import EmbeddedServer, Settings, Worker
from stream.commands.cli import stream as command
from stream.redis.connection import connect, raw_command
from stream.redis.errors import UnavailableError, explain, is_passing, wrong_type
from stream.redis.keys import ShardKeys, shards_key

RUN = ("run", "--label", "label", "--features", "a,b,c", "--metrics-port", "0", "--until-idle", "0.1")


@pytest.fixture
def refused(tmp_path):
    """Run a command that must fail, and return what it says in place of a traceback."""

    def call(url, *arguments):
        result = CliRunner().invoke(command, [*arguments, "--url", url], catch_exceptions=True)
        assert isinstance(result.exception, ResamplerError), (arguments, result.exception, result.output)
        return str(result.exception)

    return call


@pytest.fixture
def commands(name, tmp_path):
    return {
        "run": (*RUN, "--stream", name),
        "dry-run": (*RUN, "--dry-run", "--stream", name),
        "status": ("status", "--stream", name),
        "export": ("export", "--stream", name, "--to", str(tmp_path / "x.parquet")),
        "dead-letters": ("dead-letters", "--stream", name),
        "resubmit": ("dead-letters", "--stream", name, "--resubmit", "all"),
        "forget": ("forget", "--stream", name, "--row-id", "5-0"),
    }


# What each command reads or writes.
TOUCHED = {
    "input": {"run", "dry-run", "status", "resubmit"},
    "output": {"run", "export"},
    "dead": {"run", "status", "dead-letters", "resubmit"},
    "checkpoint": {"run", "status", "export"},
    "snapshot": {"run"},
    "forget": {"run", "status", "forget"},
    "feeds": {"status"},
}


@pytest.mark.parametrize("key", TOUCHED)
def test_a_key_of_another_type_is_named_by_every_command_that_touches_it(
    server, client, name, commands, key, make_rows, add_text, run_worker, refused
):
    keys = ShardKeys(name)
    X, y = make_rows(40)
    add_text(client, name, X[:20], y[:20])
    client.xadd(name, {"a": "x", "b": "1", "c": "1", "label": "0"}, id="30-0")
    run_worker(name, ratio=0.2, seed=0)
    add_text(client, name, X[20:], y[20:], first=31)
    client.xadd(name, {"a": "x", "b": "1", "c": "1", "label": "0"}, id="90-0")
    changed = getattr(keys, key)
    client.delete(changed)
    client.geoadd(changed, (0, 0, "junk"))  # a sorted set: no key of a shard is one
    for touched in TOUCHED[key]:
        assert f"'{changed}'" in refused(server.url, *commands[touched])
    assert str(wrong_type(client, keys)).startswith(f"key '{changed}' must be a ")


def test_the_key_of_a_command_is_noted(client, name):
    client.set(name, "text")
    for call in (
        lambda: client.xrange(name),
        lambda: client.xinfo_stream(name),
        lambda: client.exists(name) and client.hget(name, "x"),
        lambda: raw_command(client, "XREAD", "COUNT", 1, "STREAMS", name, "0"),
        lambda: raw_command(client, "XINFO", "STREAM", name),
        lambda: client.register_script("return redis.call('HGET', KEYS[1], 'x')")(keys=[name]),
    ):
        with pytest.raises(redis.ResponseError) as caught:
            call()
        assert f"for key '{name}'" in str(explain(caught.value))
        assert not is_passing(caught.value)
    with pytest.raises(redis.RedisError) as caught:
        client.execute_command("CONFIG", "SET", "requirepass-of-mine", "s3cret")
    assert "s3cret" not in str(explain(caught.value))


@pytest.fixture
def begin(schema, make_rows, add_text):
    """Fill a server of the test's own with a stream that has rows to commit and a dead letter."""

    def begin(server, stream):
        with connect(server.url) as client:
            X, y = make_rows(40)
            add_text(client, stream, X[:20], y[:20])
            client.xadd(stream, {"a": "x", "b": "1", "c": "1", "label": "0"}, id="30-0")
            Worker(server.url, stream, Settings(schema), until_idle_s=0.1).run()
            add_text(client, stream, X[20:], y[20:], first=31)

    return begin


def test_every_command_says_how_memory_that_is_full_is_mended(name, commands, begin, refused):
    with EmbeddedServer() as server:
        begin(server, name)
        with connect(server.url) as client:
            client.config_set("maxmemory", 1)
        for touched in ("resubmit", "forget"):
            said = refused(server.url, *commands[touched])
            assert "has no memory left" in said
            assert f"'{{{name}}}:" in said
            assert "raise maxmemory" in said


def test_a_server_that_cannot_save_is_told_in_words(name, commands, begin, refused, tmp_path):
    with EmbeddedServer(directory=tmp_path / "s", options=("--save", "3600 1000000")) as server:
        begin(server, name)
        with connect(server.url) as client:
            client.config_set("rdbcompression", "no")
            (tmp_path / "s" / "dump.rdb").mkdir()  # the file that a save would replace
            client.execute_command("BGSAVE")
            while client.info("persistence")["rdb_last_bgsave_status"] != "err":
                time.sleep(0.01)
        assert CliRunner().invoke(command, [*commands["status"], "--url", server.url]).exit_code == 0
        said = refused(server.url, *commands["forget"])
        assert "could not save its data to disk" in said
        assert f"'{{{name}}}:forget'" in said
        assert "stop-writes-on-bgsave-error" in said


def test_credentials_and_rights_are_told_at_once(name, commands, begin, refused):
    with EmbeddedServer() as server:
        begin(server, name)
        with connect(server.url) as client:
            client.execute_command("ACL", "SETUSER", "me", "on", ">secret", "~*", "+@all", "-@write", "-@stream")
            client.execute_command("ACL", "SETUSER", "default", "on", ">other", "~*", "+@all")
        allowed = server.url.replace("unix://", "unix://me:secret@")
        for arguments in commands.values():
            said = refused(server.url, *arguments)
            assert "refuses the credentials" in said
            said = refused(allowed, *arguments)
            assert "does not permit this user" in said
            assert "docs/streaming.md" in said
            assert "secret" not in said


def test_a_node_of_a_cluster_is_told_from_a_server(name, commands, refused, free_port):
    options = ("--port", str(free_port), "--bind", "127.0.0.1", "--cluster-enabled", "yes")
    with EmbeddedServer(options=options) as server, connect(server.url) as client:
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", free_port)
        mine = client.execute_command("CLUSTER", "KEYSLOT", shards_key(name))
        slots = [slot for slot in range(16_384) if slot != mine]
        client.execute_command("CLUSTER", "ADDSLOTS", *slots)
        client.config_set("cluster-require-full-coverage", "no")
        while True:
            with pytest.raises(redis.RedisError) as caught:
                client.get(shards_key(name))
            if "Hash slot not served" in str(caught.value):
                break
            time.sleep(0.05)
        for arguments in commands.values():
            said = refused(server.url, *arguments)
            assert "is part of a Cluster that is down" in said
            assert shards_key(name) in said
    moved = redis.exceptions.MovedError("1234 10.0.0.7:6379")
    assert not is_passing(moved, "redis://host")
    assert is_passing(moved, "redis+cluster://host")
    assert "use redis+cluster://host:port" in str(explain(moved, keys=("k",)))


def test_a_server_that_dies_in_the_middle_of_a_command_is_told(
    server, name, schema, commands, make_rows, add_text, proxy
):
    """The connection breaks behind the commands that open the stream."""
    with connect(server.url) as client:
        X, y = make_rows(600)
        add_text(client, name, X, y)
    for command_name, at in (("export", b"XRANGE"), ("status", b"XINFO"), ("forget", b"SADD"), ("dry-run", b"XREAD")):
        if command_name == "export":
            Worker(server.url, name, Settings(schema), until_idle_s=0.1).run()
        with proxy(server, breaks_at=at) as url:
            result = CliRunner().invoke(command, [*commands[command_name], "--url", url])
        assert isinstance(result.exception, UnavailableError), (command_name, result.exception)
        assert "does not answer" in str(result.exception)


def test_an_error_of_a_server_before_seven_is_known_by_its_code():
    old = redis.ResponseError("ERR Error running script (call to f_1): @user_script: 1: OOM command not allowed")
    assert is_passing(old)
    assert "raise maxmemory" in str(explain(old))
    unknown = redis.ResponseError("ERR unknown command 'XINFO'")
    assert not is_passing(unknown)
    assert "use Redis 7.0 or later" in str(explain(unknown))


def test_a_worker_waits_for_a_server_that_is_not_there_yet(
    name, schema, make_rows, add_text, tmp_path, caplog, wait_for
):
    directory = tmp_path / "later"
    server = EmbeddedServer(directory=directory)
    worker = Worker(f"unix://{directory}/redis.sock", name, Settings(schema))
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_for(lambda: "waiting for it" in caplog.text)
    with server, connect(server.url) as client:
        add_text(client, name, *make_rows(100))
        wait_for(lambda: int(client.hget(ShardKeys(name).checkpoint, "rows") or 0) == 100)
        worker.stop()
        thread.join()
    assert caplog.text.count("waiting for it") == 1


def test_a_worker_waits_for_a_server_that_loads(name, schema, make_rows, add_text, tmp_path, caplog, wait_for):
    options = ("--save", "", "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
    with EmbeddedServer(directory=tmp_path / "s", options=options) as server, connect(server.url) as client:
        add_text(client, name, *make_rows(500))
        for i in range(1_000):
            client.set(f"filler-{i}", b"x" * 1_000)
        client.config_set("key-load-delay", 2_000)  # microseconds
        client.execute_command("SAVE")
        reloading = connect(server.url, timeout_s=60)
        reload = threading.Thread(target=lambda: reloading.execute_command("DEBUG", "RELOAD", "NOSAVE"))
        reload.start()
        wait_for(lambda: _loads(server.url))
        worker = Worker(server.url, name, Settings(schema))
        thread = threading.Thread(target=worker.run)
        thread.start()
        wait_for(lambda: "is loading its data" in caplog.text)
        reload.join()
        wait_for(lambda: int(client.hget(ShardKeys(name).checkpoint, "rows") or 0) == 500)
        worker.stop()
        thread.join()


def _loads(url):
    try:
        connect(url).close()
    except UnavailableError as error:
        return "is loading its data" in str(error)
    return False


def test_a_worker_works_with_a_server_whose_every_answer_takes_long(
    server, client, name, schema, make_rows, add_text, proxy, wait_for
):
    add_text(client, name, *make_rows(100))
    with proxy(server, delay_s=0.6) as url:
        worker = Worker(url, name, Settings(schema))
        thread = threading.Thread(target=worker.run)
        thread.start()
        wait_for(lambda: int(client.hget(ShardKeys(name).checkpoint, "rows") or 0) > 0)
        assert worker.healthy
        worker.stop()
        thread.join()


def test_what_is_wrong_with_the_url_is_told_at_once(name, commands, refused, free_port):
    class Answer(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with (
        EmbeddedServer(options=("--port", str(free_port), "--bind", "127.0.0.1")),
        HTTPServer(("127.0.0.1", 0), Answer) as web,
    ):
        threading.Thread(target=web.serve_forever, daemon=True).start()
        for url, said in (
            (f"redis+cluster://127.0.0.1:{free_port}", "is not part of a Cluster: use redis://"),
            (f"redis://127.0.0.1:{free_port}/99", "DB index is out of range"),
            (f"redis://127.0.0.1:{web.server_port}", "does not answer in Redis's protocol"),
            (f"redis+sentinel://127.0.0.1:{free_port}/main", "does not know"),
            (f"redis://host.invalid:{free_port}", "does not answer"),
        ):
            for name_of in ("run", "status"):
                assert said in refused(url, *commands[name_of])
        web.shutdown()


@pytest.mark.parametrize("scheme", ["redis+cluster", "redis+sentinel"])
def test_a_topology_that_is_down_is_waited_for_by_a_worker_and_told_by_a_command(
    name, commands, refused, free_port, scheme
):
    url = f"{scheme}://127.0.0.1:{free_port}/main" if "sentinel" in scheme else f"{scheme}://127.0.0.1:{free_port}"
    for name_of in ("run", "status"):
        said = refused(url, *commands[name_of])
        assert f"Redis at {url} does not answer" in said
        assert len(said) < 400


@pytest.mark.parametrize("value", [b"junk", b"1-0 x", b"\xff", b""])
def test_a_feeds_place_that_nobody_wrote_is_named(server, client, name, commands, refused, value):
    client.hset(ShardKeys(name).feeds, "default", value)
    assert f"got {value!r}" in refused(server.url, *commands["status"])


def test_until_idle_and_sigterm_end_the_waiting(name, start_cli):
    arguments = [*RUN[:-2], "--stream", name]
    process = start_cli(*arguments, "--until-idle", "0.3", url="unix:///nowhere/redis.sock")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Error: Redis at unix:///nowhere/redis.sock does not answer")
    process = start_cli(*arguments, url="unix:///nowhere/redis.sock")
    assert "waiting for it" in process.stderr.readline()
    process.stderr.close()  # nobody reads what it says
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_policy_that_evicts_is_told_at_the_start(name, schema, caplog, policy):
    with EmbeddedServer() as server, connect(server.url) as client:
        client.config_set("maxmemory-policy", policy)
        Worker(server.url, name, Settings(schema), shards=2, until_idle_s=0.1).run()
        assert caplog.text.count(f"maxmemory-policy {policy} deletes keys") == 1
        assert "set it to noeviction" in caplog.text


def test_a_server_that_says_nothing_of_its_policy_is_no_error(name, schema, caplog):
    with EmbeddedServer() as server, connect(server.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.execute_command("ACL", "SETUSER", "me", "on", ">pw", "~*", "+@all", "-config", "-info")
        Worker(server.url.replace("unix://", "unix://me:pw@"), name, Settings(schema), shards=2, until_idle_s=0.1).run()
        assert "maxmemory-policy" not in caplog.text
