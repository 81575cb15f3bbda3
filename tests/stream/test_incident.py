"""What a stream adds to an incident's archive: where it stands and why rows were rejected, and nothing of a row."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from stream import EmbeddedServer
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard.pause import request_pause

PLANTED = ("hunter-22-of-the-url", "of-the-environment-33", "Zanzibar-of-a-row", "4711.25", "of-the-policy-44")


def _files(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def run(tmp_path):
    """Run the command as a process; return its output and what `ps` showed of it meanwhile."""

    def run(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", "from resampler.cli import main; main()", "incident", "collect", *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        shown = []
        while process.poll() is None:
            shown.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            time.sleep(0.01)
        out, err = process.communicate()
        return process.returncode, out, err, shown

    return run


def test_no_secret_and_no_row_is_in_it(make_rows, add_text, schema, tmp_path, run):
    X, y = make_rows(200, minority=0.2)
    X[7] = [4711.25, 1, 2]
    with EmbeddedServer() as server, connect(server.url) as client:
        add_text(client, "fraud", X, y)
        for i in range(3):
            client.xadd("fraud", {"a": "Zanzibar-of-a-row", "b": 1, "c": 4711.25, "label": 1}, id=f"{900 + i}-0")
        _work(server.url, schema)
        request_pause([(client, ShardKeys("fraud"))], "wrong labels, of-the-environment-33, since noon")
        _work(server.url, schema)
        client.execute_command("ACL", "SETUSER", "me", "on", ">hunter-22-of-the-url", "~*", "+@all")
        (tmp_path / "policy.toml").write_text("[gate]\nrecall = 0.5\n")
        (tmp_path / "resampler.toml").write_text('[retrain]\nwebhook = "https://hooks.example.com/of-the-policy-44"\n')
        url = server.url.replace("unix://", "unix://me:hunter-22-of-the-url@")
        code, out, err, shown = run(
            *("--out", "a.zip", "--stream", "fraud", "--url", url, "--policy", "policy.toml"),
            MY_TOKEN="of-the-environment-33",
        )
    assert code == 0, err
    files = _files(tmp_path / "a.zip")
    (shard,) = json.loads(files["stream-status.json"])["shards"]
    assert (shard["paused"], shard["pauses"][0]["reason"]) == (True, "wrong labels, ***, since noon")
    assert json.loads(files["dead-letters.json"])["fraud"]["rows"] == {"unparsable": 3}
    newest = [one["id"] for one in json.loads(files["dead-letters.json"])["fraud"]["newest"]]
    assert newest == ["902-0", "901-0", "900-0"]
    assert json.loads(files["maintenance.json"]) is None
    assert json.loads(files["redis.json"])["fraud"]["role"] == "master"
    assert "errors.txt" not in files, files["errors.txt"]
    everything = b"\n".join([*files.values(), (tmp_path / "a.zip").read_bytes(), out.encode(), err.encode()])
    for secret in PLANTED:
        assert secret.encode() not in everything, secret
    assert b"hunter-22-of-the-url" not in shown[-1]
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600


def _work(url, schema):
    from stream import Settings, Worker

    Worker(url, "fraud", Settings(schema, linger_ms=1), until_idle_s=0.15).run()


def test_a_server_that_is_away_is_said_and_the_rest_is_there(tmp_path, run):
    code, out, err, _ = run(
        "--out", "a.zip", "--stream", "fraud", "--url", "redis://me:hunter-22-of-the-url@127.0.0.1:1"
    )
    assert code == 0
    files = _files(tmp_path / "a.zip")
    assert {"machine.json", "versions.json", "doctor.json", "errors.txt"} <= set(files)
    said = files["errors.txt"].decode()
    assert "stream status: Redis at redis://127.0.0.1:1 does not answer" in said
    assert "hunter-22-of-the-url" not in said + out + err
