"""Health follows commits: what shows that a shard gets on, and what that it does not."""

import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from stream import EmbeddedServer, Settings, Worker
from stream.formats import Decoder
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard.commit import Committer
from stream.worker import health, runner
from stream.worker.health import STALLED_S, Vitals
from stream.worker.http import metrics_server


@pytest.fixture
def watched():
    """Watch a thread that does what it is told until the test ends; time is the test's."""
    now, stop, started = [0.0], threading.Event(), threading.Event()
    vitals = Vitals("shard x", clock=lambda: now[0])
    threads = []

    def watch(work):
        def run():
            vitals.attach()
            started.set()
            work(stop)

        threads.append(threading.Thread(target=run))
        threads[0].start()
        started.wait()
        return vitals, now

    yield watch
    stop.set()
    threads[0].join()


def _wait_without_work(stop):
    stop.wait()


def _compute(stop):
    while not stop.is_set():
        hash("busy")


def test_a_thread_that_waits_for_what_does_not_come_hangs(watched):
    vitals, now = watched(_wait_without_work)
    assert vitals.complaint() == ""
    now[0] = STALLED_S - 1
    assert not vitals.hangs()
    now[0] = STALLED_S + 2
    assert vitals.hangs()
    assert vitals.complaint() == "shard x: no progress for 12 s"
    vitals.beat()
    assert vitals.complaint() == ""


def test_a_thread_that_computes_is_well_but_not_for_ever(watched, monkeypatch):
    monkeypatch.setattr(health, "BUSY_S", 30.0)
    vitals, now = watched(_compute)
    for second in range(30):
        used_s = vitals._cpu()
        while vitals._cpu() - used_s < 2 * health.BUSY_SHARE:  # as of a core in a second
            time.sleep(0.001)
        now[0] = second
        assert vitals.complaint() == ""
    now[0] = 31
    assert vitals.complaint() == "shard x: no progress for 31 s"


def test_trouble_lasts_until_something_is_committed_or_nothing_is_due(watched):
    vitals, now = watched(_wait_without_work)
    vitals.trouble("no memory")
    now[0] = STALLED_S - 1
    vitals.trouble("no memory")
    vitals.beat()  # a step that reads
    assert vitals.complaint() == ""
    now[0] = STALLED_S + 1
    vitals.beat()
    assert vitals.complaint() == "shard x: nothing committed for 11 s: no memory"
    vitals.settled()
    assert vitals.complaint() == ""
    vitals.detach()
    now[0] = 1_000
    assert vitals.complaint() == ""


def _healthz(port, path="healthz"):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_commit_that_the_server_cannot_take_makes_the_worker_unhealthy_and_patient(
    server, client, name, schema, make_rows, add_text, proxy, serving, wait_for, free_port, monkeypatch, caplog
):
    """The shard loads and reads, and the connection breaks at each commit, as it does where one is too large."""
    monkeypatch.setattr(health, "STALLED_S", 1.0)
    pauses = []
    sleep = runner.ShardRunner._sleep
    monkeypatch.setattr(runner.ShardRunner, "_sleep", lambda self, s: pauses.append(self._retry_s) or sleep(self, s))
    with proxy(server, breaks_at=b"classes") as url:  # a field of every commit
        # The first checkpoint names the classes too: it is written on a way that does not break.
        Worker(server.url, name, Settings(schema), until_idle_s=0.1).run()
        worker = serving(url, name, Settings(schema, lease_ttl_ms=500))
        with metrics_server(worker, "127.0.0.1", free_port) as port:
            wait_for(lambda: worker.owned)
            time.sleep(2 * health.STALLED_S)
            # A quiet stream is healthy; a busy machine can hold the thread up for longer than that, and it passes.
            wait_for(lambda: _healthz(port) == (200, "ok\n"))
            add_text(client, name, *make_rows(50))
            words = (f"shard {name}: nothing committed for ", f"does not answer for key '{name}'")
            wait_for(lambda: (said := _healthz(port))[0] == 503 and all(word in said[1] for word in words))
            wait_for(lambda: _healthz(port, "livez") == (200, "ok\n"))  # no new start would help
            wait_for(lambda: max(pauses) > 2 * runner.FIRST_RETRY_S * 8)
            grown = [pause for i, pause in enumerate(pauses) if pause and pause != pauses[i - 1]]
            assert grown == sorted(grown)  # no attempt that only read made the next pause short again
    assert caplog.text.count("trying until it works") <= 3
    assert int(client.hget(ShardKeys(name).checkpoint, "rows") or 0) == 0


def test_full_memory_is_the_reason_given_and_passes(
    schema, make_rows, add_text, serving, wait_for, monkeypatch, caplog
):
    monkeypatch.setattr(health, "STALLED_S", 0.5)
    with EmbeddedServer() as server, connect(server.url) as client:
        worker = serving(server.url, "fraud", Settings(schema))
        wait_for(lambda: worker.owned)
        with client.pipeline(transaction=True) as pipe:  # in one step: rows, and no memory to commit them
            for i, (x, label) in enumerate(zip(*make_rows(50), strict=True)):
                pipe.xadd("fraud", dict(zip("abc", map(str, x), strict=True)) | {"label": int(label)}, id=f"{i + 1}-0")
            pipe.config_set("maxmemory", 1)
            pipe.execute()
        words = ("has no memory left", "raise maxmemory")
        wait_for(lambda: any(all(word in said for word in words) for said in worker.complaints()))
        client.config_set("maxmemory", 0)
        wait_for(lambda: worker.healthy)
        wait_for(lambda: int(client.hget(ShardKeys("fraud").checkpoint, "rows")) == 50)
        worker.stop()


def test_a_worker_that_waits_for_a_slow_feed_is_healthy(
    server, client, name, schema, make_rows, add_text, serving, wait_for, monkeypatch
):
    monkeypatch.setattr(health, "STALLED_S", 0.5)
    add_text(client, name, *make_rows(300))
    client.hset(ShardKeys(name).feeds, "slow", "0-0 0")
    worker = serving(server.url, name, Settings(schema, max_lag_rows=10))
    wait_for(lambda: int(client.hget(ShardKeys(name).checkpoint, "rows") or 0) > 0)
    client.client_kill_filter(_type="normal", skipme=True)  # a trouble while it waits
    time.sleep(1.0)
    wait_for(lambda: worker.owned)
    wait_for(lambda: worker.healthy)


def test_a_worker_without_a_server_says_so(name, schema, serving, wait_for, monkeypatch):
    monkeypatch.setattr(health, "STALLED_S", 0.3)
    worker = serving("unix:///nowhere/redis.sock", name, Settings(schema))
    words = "Redis at unix:///nowhere/redis.sock does not answer"
    wait_for(lambda: any(words in said for said in worker.complaints()))


def test_a_worker_that_replays_and_compiles_is_healthy(
    server, client, name, schema, make_rows, add_text, run_worker, serving, wait_for, monkeypatch
):
    """A fresh process compiles; here both take long, as they do with many rows."""
    add_text(client, name, *make_rows(200))
    run_worker(name, ratio=0.2, seed=0)
    monkeypatch.setattr(health, "STALLED_S", 1.0)
    from stream.worker import worker as module

    phases = []

    def busy(phase):
        stop = time.monotonic() + 2.5
        while time.monotonic() < stop:
            hash(phase)
        phases.append(phase)

    decode = Decoder.decode
    warm = module.warm
    monkeypatch.setattr(module, "warm", lambda **options: (busy("compiled"), warm(**options)))
    monkeypatch.setattr(Decoder, "decode", lambda self, entries: (busy("replayed"), decode(self, entries))[1])
    worker = serving(server.url, name, Settings(schema, lease_ttl_ms=300))
    wait_for(lambda: "replayed" in phases or not worker.healthy)
    assert worker.healthy
    wait_for(lambda: worker.owned)
    assert phases[:2] == ["compiled", "replayed"]


def test_a_cursor_that_somebody_else_keeps_moving_is_a_trouble_too(
    server, client, name, schema, make_rows, add_text, serving, wait_for, monkeypatch, caplog
):
    """Each commit is answered with "moved": no error of Redis, and no commit either."""
    monkeypatch.setattr(health, "STALLED_S", 0.5)
    send = Committer.send

    def behind(committer, commit):
        send(committer, replace(commit, start="0-9"))

    monkeypatch.setattr(Committer, "send", behind)
    worker = serving(server.url, name, Settings(schema))
    add_text(client, name, *make_rows(50))
    wait_for(lambda: any("stands at '0-0', expected '0-9'" in said for said in worker.complaints()))
    assert caplog.text.count("stands at") == 1
    monkeypatch.setattr(Committer, "send", send)
    wait_for(lambda: worker.healthy)
    wait_for(lambda: int(client.hget(ShardKeys(name).checkpoint, "rows")) == 50)
