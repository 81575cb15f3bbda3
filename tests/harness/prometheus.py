"""A real Prometheus and a real Alertmanager, on ports of their own, for as long as a `with` block lasts."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
_NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}  # Debian calls it the latter
_START_S = 20.0


def find_tool(name):
    """Return the path of `prometheus`, `promtool`, `alertmanager` or `amtool`; None if it is not here."""
    for called in _NAMES.get(name, (name,)):
        found = shutil.which(called) or shutil.which(called, path=str(ROOT / ".cache" / "tools"))
        if found:
            return found
    return None


def need_tool(name):
    """Return its path, or skip the test and say how to get it."""
    return find_tool(name) or pytest.skip(f"{name} is not here: make tools")


def promtool(*arguments, **options):
    """Run `promtool`; return the finished process, with its output as text."""
    command = [need_tool("promtool"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def free_port():
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Service:
    """One program with an HTTP interface and a directory: started, waited for, ended."""

    ready_path = "/-/ready"

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        """Return the command line."""
        raise NotImplementedError

    def get(self, path, **query):
        """Return what it answers, from JSON."""
        asked = f"{self.url}{path}?{urllib.parse.urlencode(query, doseq=True)}"
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - http:// by construction
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{asked}: {error.read().decode()}") from error

    def __enter__(self):
        self.log = self.directory / "log"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(self.command(), cwd=self.directory, stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise AssertionError(f"{type(self).__name__} did not come up: {self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        return self

    def __exit__(self, *exc_info):
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ready(self):
        try:
            with urllib.request.urlopen(self.url + self.ready_path, timeout=1) as answer:  # noqa: S310 - the same
                return answer.status == 200
        except OSError:
            return False


class Prometheus(_Service):
    """Scrapes, and evaluates rules.

    Parameters
    ----------
    directory : Path
        For its data and configuration.
    targets : mapping of str to str
        By name of the job: ``host:port`` of what serves ``/metrics``.
    rules : sequence of (Path or dict)
        Files of rules, or what would stand in one.
    interval : str
        Between scrapes and between evaluations; rules of a group that says its own interval have that.
    alertmanager : Alertmanager, optional
        Where alerts are sent.
    """

    def __init__(self, directory, targets, rules=(), *, interval="500ms", alertmanager=None):
        super().__init__(directory)
        files = []
        for i, rule in enumerate(rules):
            files.append(str(Path(rule).resolve() if isinstance(rule, str | Path) else self.directory / f"{i}.yaml"))
            if isinstance(rule, dict):
                Path(files[-1]).write_text(yaml.safe_dump(rule, sort_keys=False))
        timing = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
        jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
        config = {"global": timing, "rule_files": files, "scrape_configs": jobs}
        if alertmanager:
            at = {"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}
            config["alerting"] = {"alertmanagers": [at]}
        self.config = self.directory / "prometheus.yaml"
        self.config.write_text(yaml.safe_dump(config, sort_keys=False))

    def command(self):
        # Alerts are sent again each time that they are evaluated, and end at once when their condition does: what
        # takes minutes by default would hide the scaled times.
        return [
            need_tool("prometheus"),
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--storage.tsdb.retention.time=1d",
            "--rules.alert.resend-delay=1s",
            "--query.lookback-delta=5s",
            "--log.level=warn",
        ]

    def query(self, promql, at=None):
        """Return the vector (or scalar) that `promql` comes to, now or at a Unix time: a list of (labels, value)."""
        answer = self.get("/api/v1/query", query=promql, **({} if at is None else {"time": at}))["data"]
        if answer["resultType"] == "scalar":
            return [({}, float(answer["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in answer["result"]]

    def query_range(self, promql, start, end, step=1.0):
        """Return the series of `promql` between two Unix times: a list of (labels, [(time, value)])."""
        answer = self.get("/api/v1/query_range", query=promql, start=start, end=end, step=step)["data"]["result"]
        return [(series["metric"], [(t, float(v)) for t, v in series["values"]]) for series in answer]

    def value(self, promql):
        """Return the one value of `promql`; None if it returns nothing."""
        found = self.query(promql)
        assert len(found) <= 1, f"{promql} returns {len(found)} series"
        return found[0][1] if found else None

    def alerts(self, state="firing"):
        """Return the labels of the alerts that are `firing` or `pending`."""
        return [a["labels"] for a in self.get("/api/v1/alerts")["data"]["alerts"] if a["state"] == state]

    def rules(self):
        """Return all rules as Prometheus sees them: with their health, last error and time of evaluation."""
        return [rule for group in self.get("/api/v1/rules")["data"]["groups"] for rule in group["rules"]]


class Alertmanager(_Service):
    """Groups, inhibits and sends on.

    Parameters
    ----------
    directory : Path
        For its data and configuration.
    config : dict
        As in its file.
    """

    def __init__(self, directory, config):
        super().__init__(directory)
        self.config = self.directory / "alertmanager.yaml"
        self.config.write_text(yaml.safe_dump(config, sort_keys=False))

    def command(self):
        return [
            need_tool("alertmanager"),
            f"--config.file={self.config}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def alerts(self):
        """Return its alerts, those that are inhibited too (``status.state`` is then ``suppressed``)."""
        return self.get("/api/v2/alerts")


class Webhook:
    """The receiver of notifications, as a person's pager would be: a real HTTP server in the test's process.

    ``received`` is a list of (monotonic time, path, notification), oldest first.
    """

    def __enter__(self):
        self.received = received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((time.monotonic(), self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format, *args):  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"
