"""`/metrics` and `/healthz` are answered from what is known: whatever Redis, the shard or other clients do."""

import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from stream import EmbeddedServer, Settings, Worker
from stream.formats import Decoder
from stream.redis.keys import ShardKeys
from stream.worker import http
from stream.worker.http import metrics_server

SOON_S = 5.0  # an answer that waited for Redis would take twice as long, and longer on a busy machine


def _ask(port, path):
    asked = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as reply:
            status, text = reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, text, time.monotonic() - asked


@pytest.mark.parametrize("away", ["frozen", "killed"])
def test_nothing_waits_for_a_server_that_is_away(schema, serving, wait_for, free_port, away):
    with EmbeddedServer() as server:
        worker = serving(server.url, "fraud", Settings(schema))
        with metrics_server(worker, "127.0.0.1", free_port) as port:
            wait_for(lambda: worker.owned)
            if away == "frozen":
                os.kill(server.pid, signal.SIGSTOP)
            else:
                server.kill()
            try:
                with ThreadPoolExecutor(16) as many:
                    answers = list(many.map(_ask, [port] * 200, ["/metrics", "/healthz"] * 100))
                assert {status for status, _, _ in answers[::2]} == {200}
                assert all("resampler_worker_info{" in text for _, text, _ in answers[::2])
                assert {status for status, _, _ in answers[1::2]} <= {200, 503}
                assert max(took_s for *_, took_s in answers) < SOON_S
                wait_for(lambda: _ask(port, "/healthz")[0] == 503)
            finally:
                if away == "frozen":
                    os.kill(server.pid, signal.SIGCONT)
                else:
                    server.restart()
            wait_for(lambda: _ask(port, "/healthz")[0] == 200)
            wait_for(lambda: 'resampler_server_up{shard="fraud",stream="fraud"} 1.0' in _ask(port, "/metrics")[1])
        worker.stop()


def test_many_scrapes_while_a_shard_is_replayed(
    server, client, name, schema, make_rows, add_text, run_worker, serving, wait_for, free_port, monkeypatch
):
    add_text(client, name, *make_rows(300))
    run_worker(name, ratio=0.2, seed=0)
    replaying, go_on = threading.Event(), threading.Event()
    decode = Decoder.decode

    def wait_and_decode(self, entries):
        if client.exists(ShardKeys(name).lease):  # before that, what is decoded is the compiler's
            replaying.set()
            go_on.wait(60)
        return decode(self, entries)

    monkeypatch.setattr(Decoder, "decode", wait_and_decode)
    worker = serving(server.url, name, Settings(schema))
    with metrics_server(worker, "127.0.0.1", free_port) as port:
        assert replaying.wait(60)
        with ThreadPoolExecutor(16) as many:
            answers = list(many.map(_ask, [port] * 100, ["/metrics"] * 100))
        go_on.set()
        assert {status for status, *_ in answers} == {200}
        assert max(took_s for *_, took_s in answers) < SOON_S
        # Taken, and not served yet: no other worker is to be looked for.
        assert f'resampler_shards{{state="owned",stream="{name}"}} 1.0' in answers[-1][1]
        assert f'resampler_shard_owned{{shard="{name}",stream="{name}"}} 0.0' in answers[-1][1]
        wait_for(lambda: worker.owned)
        assert 'resampler_replayed_rows_total{shard="' + name in _ask(port, "/metrics")[1]


def test_clients_that_ask_nothing_or_leave_hold_nobody_up(schema, name, free_port, monkeypatch, capfd):
    monkeypatch.setattr(http._QuietHandler, "timeout", 1.0)
    worker = Worker("redis://nowhere", name, Settings(schema))
    with metrics_server(worker, "127.0.0.1", free_port) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        for leaving in silent[:10]:
            leaving.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # with a reset
            leaving.close()
        status, _, took_s = _ask(port, "/metrics")
        assert status == 200
        assert took_s < SOON_S
        for waiting in silent[10:]:
            waiting.settimeout(30)
            assert waiting.recv(1) == b""  # sent away
            waiting.close()
    assert capfd.readouterr().err == ""
