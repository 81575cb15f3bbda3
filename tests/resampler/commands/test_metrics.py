"""`resampler metrics` and `resampler maintenance`, as a shell calls them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from resampler.cli import resampler
from resampler.errors import InvalidInputError
from resampler.ledger import Ledger, Run, key_of, now

START = [sys.executable, "-c", "from resampler.cli import main; main()"]


def called(*words):
    return CliRunner().invoke(resampler, [*map(str, words)], catch_exceptions=True)


@pytest.fixture
def place(tmp_path):
    Ledger(tmp_path / "fraud" / "ledger").append(Run("retrain", "failed", key_of(), "fraud", now(), 1.0))
    return tmp_path / "fraud" / "ledger"


def test_printed_or_written_once(place, tmp_path):
    printed = called("metrics", "--ledger", place).stdout
    assert 'resampler_runs_total{outcome="failed",snapshot="fraud",step="retrain"} 1.0' in printed
    assert called("metrics", "--ledger", f"other={place}", "--textfile", tmp_path / "x.prom").stdout == ""
    assert 'snapshot="other",step="retrain"} 1.0' in (tmp_path / "x.prom").read_text()
    (place / Ledger(place).names()[0].file).write_text("{")
    damaged = called("metrics", "--ledger", place)
    assert damaged.exit_code == 0
    assert "is no run of a ledger" in damaged.stderr
    assert 'resampler_ledger_unread_files{snapshot="fraud"} 1.0' in damaged.stdout


def test_a_misspelt_place_is_said_and_served_all_the_same(place, tmp_path):
    assert called("metrics", "--ledger", place).stderr == ""
    for option in ("--ledger", "--catalog"):
        found = called("metrics", option, tmp_path / "frud")
        assert found.exit_code == 0
        assert f"{tmp_path / 'frud'} holds nothing yet" in found.stderr


def test_served_until_the_process_is_ended(place):
    command = [*START, "metrics", "--ledger", str(place), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        url = process.stderr.readline().removeprefix("Serving ").strip()
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http:// by construction
            assert 'snapshot="fraud",step="retrain"} 1.0' in answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give --ledger DIRECTORY, or --catalog"),
        (["--port", "0", "--textfile", "x.prom"], "give --port or --textfile"),
        (["--snapshot", "fraud"], "--snapshot needs --catalog, --repo or --root"),
    ],
)
def test_what_is_asked_for_wrongly(words, said):
    error = called("metrics", *words).exception
    assert isinstance(error, InvalidInputError)
    assert said in str(error)


def test_a_window_of_a_snapshot_is_declared_shown_and_ended(place):
    where = ["--snapshot", "fraud", "--root", place.parent.parent, "--json"]
    on = json.loads(called("maintenance", "on", "--for", "90m", "--reason", "new labels", *where).stdout)["window"]
    assert on["reason"] == "new labels"
    assert "@" in on["who"]
    assert json.loads(called("maintenance", "show", *where).stdout)["window"] == on
    assert 'resampler_maintenance{dataset="fraud",kind="snapshot"} 1.0' in called("metrics", "--ledger", place).stdout
    assert json.loads(called("maintenance", "off", "--ledger", place, "--json").stdout)["window"] == on
    assert called("maintenance", "off", "--ledger", place).stdout == "fraud: no maintenance was declared\n"
    assert [run.outcome for run in Ledger(place).runs("maintenance")] == ["on", "off"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "8h"], "give one of --snapshot, --ledger and --stream"),
        (["--for", "1s", "--ledger", "x"], "--for must be from 60s to 168h, got '1s': alerts are silent so long"),
        (["--for", "169h", "--ledger", "x"], "--for must be from 60s to 168h"),
        (["--for", "nan", "--ledger", "x"], "--for must be a time above 0, such as 90s, 10m or 2h, got 'nan'"),
        (["--for", "2h", "--ledger", "x", "--url", "redis://x"], "--url is where a stream is"),
        (["--for", "2h", "--ledger", "x", "--root", "y"], "name it, --snapshot NAME"),
        (["--for", "2h", "--snapshot", "churn", "--root", "."], "'churn' is not there; there are: "),
    ],
)
def test_absurd_windows_are_refused(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = called("maintenance", "on", *words).exception
    assert isinstance(error, InvalidInputError)
    assert said in str(error)
    assert list(tmp_path.iterdir()) == []
