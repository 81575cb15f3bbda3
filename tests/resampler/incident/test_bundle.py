"""One archive: whole or not there, for its owner alone, with a manifest; a collector that fails costs no other."""

import hashlib
import http.server
import json
import stat
import threading
import time
import zipfile

import pytest
from click.testing import CliRunner

from resampler.commands.incident import incident
from resampler.errors import InvalidInputError, ResamplerError
from resampler.incident.bundle import collect, collectors
from resampler.incident.collector import Asked, Collector
from resampler.ledger import Ledger, Run, key_of, now


def _read(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _fails(_asked):
    raise KeyError("the row (4.25, 'Ada')")


def _refuses(_asked):
    raise ResamplerError("stream 'x' does not exist: redis://u:pass-word@host")


def _hangs(_asked):
    time.sleep(60)


TABLE = (
    Collector("good", None, lambda asked: {"a.json": {"n": 1}, "b.txt": f"about {asked.stream}"}),
    Collector("fails", None, _fails),
    Collector("refuses", None, _refuses),
    Collector("hangs", None, _hangs, timeout_s=0.3),
    Collector("half", None, lambda _: {"c.json": {"x": 2.5}, "d.json": OSError("no such file")}),
    Collector("not asked for", "snapshot", _fails),
)


def test_what_fails_is_said_and_the_rest_is_there(tmp_path):
    out = tmp_path / "incident.zip"
    began = time.monotonic()
    found = collect(Asked(stream="fraud"), out, TABLE)
    assert time.monotonic() - began < 30
    files = _read(out)
    assert json.loads(files["a.json"]) == {"n": 1}
    assert files["b.txt"] == b"about fraud"
    said = files["errors.txt"].decode().splitlines()
    assert said == [
        "fails: KeyError in test_bundle.py, line " + said[0].rpartition(" ")[2],
        "half, d.json: OSError: no such file",
        "hangs: not finished within 0.3 s: left out",
        "refuses: stream 'x' does not exist: redis://host",
    ]
    assert set(found.errors) == {"fails", "refuses", "hangs", "half, d.json"}
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert manifest["about"] == {"stream": "fraud", "snapshot": None}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["incident.zip"]


def test_an_archive_that_everybody_may_read_is_replaced_by_one_that_they_may_not(tmp_path):
    out = tmp_path / "incident.zip"
    out.write_text("old")
    out.chmod(0o666)
    collect(Asked(), out, TABLE[:1])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(InvalidInputError, match="the directory does not exist, make it first"):
        collect(Asked(), tmp_path / "none" / "x.zip", TABLE[:1])


def test_wings_bring_collectors():
    names = [one.name for one in collectors()]
    assert {"versions", "machine", "stream status", "dead letters", "diffs", "doctor"} <= set(names)
    assert len(names) == len(set(names))


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        body = b'{"data": {"alerts": [{"labels": {"url": "http://u:pw-pw@x/y"}}]}}'
        if self.path == "/metrics":
            body = b"resampler_rows_total 7\n# scraped-secret\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_the_command(tmp_path, monkeypatch, served):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOME_SECRET", "scraped-secret")
    (tmp_path / "resampler.toml").write_text(
        '# a comment with in-the-comment\n[drift]\nwebhook = "https://h/hook-path"\n[stream.run]\nratio = 0.5\n'
    )
    (tmp_path / "policy.toml").write_text("[gate]\nrecall = 0.5\n")
    details = {"psi": 0.5, "reasons": ["the value Ada of name"], "slices": {"name": {"Ada": 1}}}
    Ledger(tmp_path / "ledger").append(Run("drift", "no", key_of(a=1), "fraud version 3", now(), 1.5, details))
    host = f"127.0.0.1:{served.server_port}"
    arguments = ["collect", "--out", "a.zip", "--ledger", "ledger", "--policy", "policy.toml", "--json"]
    arguments += ["--metrics", f"http://{host}/metrics", "--metrics", "http://127.0.0.1:1/metrics"]
    arguments += ["--prometheus", f"http://user:prom-pass@{host}"]
    result = CliRunner().invoke(incident, arguments)
    assert result.exception is None, result.output
    report = json.loads(result.stdout)
    files = _read("a.zip")
    assert set(report["files"]) == set(files) - {"manifest.json"}
    assert "Connection refused" in report["errors"]["metrics, metrics-2.txt"]
    assert files["metrics-1.txt"] == b"resampler_rows_total 7\n# ***\n"
    assert json.loads(files["config.json"]) == {"drift": {"webhook": "***"}, "stream": {"run": {"ratio": 0.5}}}
    assert json.loads(files["policy.json"]) == {"gate": {"recall": 0.5}}
    (run,) = json.loads(files["runs.json"])["ledger"]
    assert (run["step"], run["outcome"], run["numbers"]) == ("drift", "no", {"psi": 0.5})
    assert json.loads(files["prometheus-alerts.json"])["alerts"][0]["labels"]["url"] == "http://x/***"
    assert ("/api/v1/alerts", "Basic dXNlcjpwcm9tLXBhc3M=") in served.seen
    everything = b"\n".join(files.values()) + result.output.encode()
    for secret in (b"hook-path", b"in-the-comment", b"prom-pass", b"pw-pw", b"scraped-secret", b"Ada"):
        assert secret not in everything, secret
