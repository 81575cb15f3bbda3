"""A decision is posted, and what fails is said without what is secret."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from resampler.errors import InvalidInputError
from resampler.runs.webhook import WAITS_S, check_url, post


@pytest.fixture
def hook():
    """A server that answers with the codes it is given, and keeps what it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.asked.append(self.headers["Authorization"])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
            code = self.server.codes.pop(0) if self.server.codes else 204
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.codes, server.asked = [], [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url_of(server, path="token"):
    return f"http://127.0.0.1:{server.server_port}/{path}"


def test_it_arrives(hook):
    assert post(url_of(hook), {"retrain": True}) is None
    assert hook.got == [("/token", "application/json", {"retrain": True})]


@pytest.mark.parametrize("code", [500, 503, 429])
def test_what_may_pass_is_tried_again(hook, code):
    hook.codes[:] = [code, code]
    waited = []
    assert post(url_of(hook), {}, sleep=waited.append) is None
    assert waited == [0.0, *WAITS_S]
    hook.codes[:] = [code] * 3
    assert f"answers {code}" in post(url_of(hook), {}, sleep=waited.append)
    assert len(hook.got) == 6


@pytest.mark.parametrize("code", [400, 404, 302])
def test_what_will_not_pass_is_tried_once(hook, code):
    hook.codes[:] = [code]
    problem = post(url_of(hook, "secret"), {}, sleep=lambda _: None)
    assert f"127.0.0.1 answers {code}" in problem
    assert "secret" not in problem
    assert [path for path, *_ in hook.got] == ["/secret"]


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = post(f"http://user:pass@127.0.0.1:{port}/secret", {}, sleep=lambda _: None)
    assert problem.startswith("127.0.0.1 cannot be reached")
    assert problem.endswith("3 times")
    assert "pass@" not in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    "url", ["", "ftp://a/b", "file:///etc/passwd", "https://", "http://a b/", "http://[x", "http://a:x/"]
)
def test_what_is_no_url(url):
    with pytest.raises(InvalidInputError, match="--webhook must be a URL") as refused:
        check_url(url)
    assert "passwd" not in str(refused.value)


def test_user_and_password_are_sent_as_such_and_not_shown(hook):
    url = url_of(hook, "t\N{LATIN SMALL LETTER A WITH DIAERESIS}?a=1").replace("http://", "http://us%40er:pa:ss@")
    assert post(url, {}) is None
    ((path, *_),) = hook.got
    assert path == "/t%C3%A4?a=1"
    assert base64.b64decode(hook.asked[0].removeprefix("Basic ")) == b"us@er:pa:ss"
    hook.shutdown()
    problem = post("http://user:secret@127.0.0.1:1/", {}, sleep=lambda _: None)
    assert "secret" not in problem
    problem = post("http://user:secret@127.0.0.1/", {}, sleep=lambda _: None)
    assert "secret" not in problem


@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 \x1b[31m" + b"x" * 5000, b"nothing of HTTP " * 999])
def test_what_a_server_says_is_one_short_line(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def _answer():
            for _ in range(3):
                with server.accept()[0] as one:
                    one.recv(4096)
                    one.sendall(answer + b"\r\n\r\n")

        threading.Thread(target=_answer, daemon=True).start()
        problem = post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, sleep=lambda _: None)
    assert problem.startswith("127.0.0.1 ")
    assert problem.isprintable()
    assert len(problem) < 300


def test_a_server_that_sends_a_byte_now_and_then_holds_nobody(monkeypatch):
    monkeypatch.setattr("resampler.runs.webhook.LIMIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def _drip():
            with contextlib.suppress(OSError), server.accept()[0] as one:
                while True:
                    one.sendall(b"H")
                    time.sleep(0.05)

        for _ in range(3):
            threading.Thread(target=_drip, daemon=True).start()
        problem = post(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, sleep=lambda _: None)
    assert problem == "127.0.0.1 did not answer within 0.3 s, 3 times"
