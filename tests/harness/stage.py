"""A stage for game days: a server, a worker by its command line, traffic, Prometheus, Alertmanager and a pager."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import redis
from prometheus import ROOT, Alertmanager, Prometheus, Webhook, free_port

from resampler.errors import ResamplerError
from stream import EmbeddedServer, Feed
from stream.redis.connection import connect
from stream.redis.keys import shard_keys

FEATURES = ("amount", "age", "score")
LABEL = "fraud"
STREAM = "payments"
SNAPSHOT = "payments_train"
TICK_S = 0.05


def rows(rng, n, share):
    """Return `n` rows as `FEATURES`, and their labels: about `share` of them rare."""
    y = (rng.random(n) < share).astype(np.int64)
    return (rng.normal(size=(n, len(FEATURES))) + 1.5 * y[:, None]).round(4), y


class Trainer(threading.Thread):
    """A trainer that reports its learner's recall every second: ``recall``, which may be set, None for a silent one."""

    def __init__(self, url, stream=STREAM, shards=1):
        super().__init__(name="trainer", daemon=True)
        self.recall = {0: 0.9, 1: 0.6}
        self._where = url, stream, shards
        self._over = threading.Event()

    def run(self):
        url, stream, shards = self._where
        while not self._over.wait(1):
            with suppress(redis.RedisError, OSError, ResamplerError), Feed(url, stream, shards=shards) as feed:
                if self.recall is not None:
                    feed.report_recall(self.recall, model="gameday")

    def stop(self):
        self._over.set()
        self.join()


class Traffic(threading.Thread):
    """Producers: rows as they come in a shop, with quiet spells, bursts and shares that wander.

    ``share`` (of the rare class), ``rows_per_s``, ``spoil`` (from an entry's fields to others, or None) and ``copies``
    (of each row, beside it) may be set while it runs. A server that is away is waited for, with the rows in hand.
    """

    def __init__(self, url, stream=STREAM, shards=1, seed=0):
        super().__init__(name="traffic", daemon=True)
        self.url = url
        self._inputs = [keys.input for keys in shard_keys(stream, shards)]
        self.share, self.rows_per_s, self.spoil, self.copies = 0.1, 200.0, None, 0
        self.sent = 0
        self._rng = np.random.default_rng(seed)
        self._over = threading.Event()

    def run(self):
        client, mood, burst = None, 0.0, 1.0
        while not self._over.wait(TICK_S):
            mood = 0.98 * mood + 0.02 * self._rng.normal()  # of the share: an hour differs from the next
            if self._rng.random() < TICK_S / 5:
                burst = self._rng.choice([0.3, 1.0, 1.0, 4.0])  # a new spell every five seconds or so
            n = self._rng.poisson(self.rows_per_s * TICK_S * burst)
            entries = self._entries(n, self.share * np.exp(mood))
            while not self._over.is_set():
                try:
                    client = client or connect(self.url)
                    self._send(client, entries)
                    break
                except (redis.RedisError, OSError, ResamplerError):
                    client = None
                    self._over.wait(0.2)

    def stop(self):
        self._over.set()
        self.join()

    def _entries(self, n, share):
        X, y = rows(self._rng, n, share)
        entries = []
        for x, label in zip(X.tolist(), y.tolist(), strict=True):
            fields = dict(zip(FEATURES, map(str, x), strict=True)) | {LABEL: str(label)}
            entries += [self.spoil(self._rng, fields) if self.spoil else fields] * (1 + self.copies)
        return entries

    def _send(self, client, entries):
        pipe = client.pipeline(transaction=False)
        for fields in entries:
            pipe.xadd(self._inputs[self.sent % len(self._inputs)], fields)
            self.sent += 1
        pipe.execute()


def worker_command(*options, stream=STREAM):
    """Return the arguments of `resampler` that run a worker."""
    return ["stream", "run", "--stream", stream, "--features", ",".join(FEATURES), "--label", LABEL, *map(str, options)]


def environment(directory, **named):
    """Return an environment for commands of runbooks: what they name, and this checkout's command line."""
    command = Path(directory) / "bin" / "resampler"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m resampler "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)} | {name: str(value) for name, value in named.items()}


class Program:
    """A command of `resampler` that serves metrics, as a process.

    Parameters
    ----------
    directory : Path
        For its log.
    name : str
        Of the log.
    arguments : sequence
        Of the command, without its option for the port of metrics, which is `port_option`.
    environment : mapping, optional
        Beside that of the tests.
    """

    port_option = "--port"

    def __init__(self, directory, name, arguments, environment=None):
        self.port = free_port()
        self.log = Path(directory) / f"{name}.log"
        self._command = [sys.executable, "-m", "resampler", *map(str, arguments), self.port_option, str(self.port)]
        self._environment = os.environ | (environment or {})
        self.process = None

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """End in good order; what does not within ten seconds is killed."""
        with suppress(ProcessLookupError):
            self.thaw()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()


class WorkerProgram(Program):
    """`resampler stream run`."""

    port_option = "--metrics-port"

    def commits(self):
        """Say whether it owns a shard and commits."""
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            return b"\nresampler_last_commit" in answer.read()
        return False


class Watch:
    """Prometheus, Alertmanager and a pager, for as long as the `with` block lasts.

    Parameters
    ----------
    directory : Path
        For data, logs and configurations.
    rules : sequence of (Path or dict)
        As `Prometheus` takes them.
    route : dict
        Configuration of Alertmanager; all its receivers are led to our webhook, under their names.
    targets : mapping of str to str
        What is scraped: ``host:port`` by job.
    interval : str
        Between scrapes, and between evaluations.
    """

    def __init__(self, directory, rules, route, targets, *, interval="500ms"):
        self.directory = Path(directory)
        self.targets = dict(targets)
        self._rules, self._route, self._interval = rules, route, interval

    def __enter__(self):
        with ExitStack() as stack:
            self.directory.mkdir(parents=True, exist_ok=True)
            self.set_up(stack)
            self.pager = stack.enter_context(Webhook())
            self.alertmanager = stack.enter_context(Alertmanager(self.directory / "am", self._led_to_pager()))
            options = {"interval": self._interval, "alertmanager": self.alertmanager}
            directory = self.directory / "prometheus"
            self.prometheus = stack.enter_context(Prometheus(directory, self.targets, self._rules, **options))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info):
        self._stack.close()

    def set_up(self, stack):
        """Start what is watched; `stack` ends it."""

    def _led_to_pager(self):
        receivers = []
        for receiver in self._route["receivers"]:
            ours = [{"url": f"{self.pager.url}/{receiver['name']}", "send_resolved": True}]
            receivers.append(receiver | ({"webhook_configs": ours} if "webhook_configs" in receiver else {}))
        return self._route | {"receivers": receivers}

    def until(self, condition, seconds, what):
        """Wait for a condition; return the seconds that it took, or fail and say what was seen."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{what}: not within {seconds} s; {self.seen()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def wait(self, seconds):
        """Let time pass."""
        time.sleep(seconds)

    def told(self, since=0, status="firing"):
        """Return (receiver, alert) of what came to the pager as `status`, from notification number `since` on."""
        return [
            (path.strip("/"), alert)
            for _, path, notification in self.pager.received[since:]
            for alert in notification["alerts"]
            if alert["status"] == status
        ]

    def paged(self, since=0, status="firing"):
        """Return the names of these alerts."""
        return {alert["labels"]["alertname"] for _, alert in self.told(since, status)}

    def told_at(self, name, status):
        """Return the monotonic time when an alert first came as `status`."""
        return next(
            when
            for when, _, notification in self.pager.received
            for alert in notification["alerts"]
            if (alert["labels"]["alertname"], alert["status"]) == (name, status)
        )

    def seen(self):
        """Say what is known, for a message of failure."""
        if not hasattr(self, "prometheus"):
            return "nothing is watched yet"
        firing, pending = (sorted(a["alertname"] for a in self.prometheus.alerts(s)) for s in ("firing", "pending"))
        logs = "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in sorted(self.directory.glob("*.log")))
        return f"paged {sorted(self.paged())}, firing {firing}, pending {pending}\n{logs}"


class Stage(Watch):
    """A watch over a server, workers and traffic.

    Parameters
    ----------
    directory, rules, route
        As for `Watch`.
    options : sequence
        Of the workers' command line, beside stream, features and label.
    workers, shards : int
        How many there are; each worker is scraped.
    place : callable, optional
        Makes the server, of a directory that does not exist yet, as a context.
    targets : mapping of str to str
        What is scraped besides.
    """

    def __init__(self, directory, rules, route, options=(), *, workers=1, shards=1, place=None, targets=None, **watch):
        super().__init__(directory, rules, route, targets or {}, **watch)
        self._options, self._n_workers, self._shards = (*options, "--shards", shards), workers, shards
        self._place = place or (lambda _: nullcontext(EmbeddedServer(appendonly=True)))

    def set_up(self, stack):
        self.server = stack.enter_context(stack.enter_context(self._place(self.directory / "server")))
        self.traffic = Traffic(self.server.url, shards=self._shards)
        self.trainer = Trainer(self.server.url, shards=self._shards)
        self.workers = []
        for i in range(self._n_workers):
            where = {"RESAMPLER_REDIS_URL": self.server.url}
            worker = WorkerProgram(self.directory, f"worker-{i}", worker_command(*self._options), where)
            worker.start()
            self.workers.append(worker)
            stack.callback(worker.stop)
            self.targets[f"resampler-{i}"] = f"127.0.0.1:{worker.port}"
        first = f"127.0.0.1:{self.workers[0].port}"
        self.environment = environment(self.directory, RESAMPLER_REDIS_URL=self.server.url, STREAM=STREAM, WORKER=first)
        for producer in (self.traffic, self.trainer):
            producer.start()
            stack.callback(producer.stop)
        for worker in self.workers:  # its start takes seconds, however fast the clock of the rules runs
            self.until(worker.commits, 240, f"the first commit of {worker.log.name}")
