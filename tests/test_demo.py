"""The README's first command, as a user types it: its recorded digests stay true in every commit."""

import json
import subprocess
import sys

import pytest

from stream import EmbeddedServer
from stream.redis.connection import connect

DEMO = [sys.executable, "-m", "resampler", "demo"]


def run(*arguments, cwd):
    return subprocess.run([*DEMO, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_demo_reaches_its_end_and_gives_the_recorded_digests(tmp_path):
    with EmbeddedServer() as server, connect(server.url) as client:
        done = run("--redis", server.url, "--output", "out", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert client.dbsize() == 0  # it removes what it wrote to a server that is not its own
    assert "byte-identical" in done.stdout
    assert done.stdout.count("is the one recorded for seed 42") == 2
    for learner in ("online, class weights", "online, our stream", "offline, with the snapshot"):
        assert learner in done.stdout
    (manifest,) = (tmp_path / "out" / "snapshots" / "turbofan").glob("v*/manifest.json")
    said = json.loads(manifest.read_text())
    assert said["digest"][:16] in done.stdout
    assert all(f"{one['level']} {one['name']}: {one['figure']}" in done.stdout for one in said["findings"])
    assert f"  {said['notes']['detectability']['1']['area']:.2f}, by boosted trees" in done.stdout
    assert (manifest.parent / "report.html").exists()
    assert "out/snapshots/turbofan/v0001/report.html" in done.stdout


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_calls_it_what_the_user_typed(tmp_path, option):
    done = run(option, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: resampler demo [OPTIONS]")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--redis", "redis://:hunter2@127.0.0.1:1/0"], 1, "Redis at redis://127.0.0.1:1/0 does not answer"),
        (["--ratio", "2"], 2, "--ratio must be in (0, 1]"),
        (["--output", "."], 2, "was not made by the demo"),
        (["--seed", "-1"], 2, "--seed"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line_and_leaves_nothing(tmp_path, arguments, code, message):
    (tmp_path / "mine.txt").write_text("kept")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
