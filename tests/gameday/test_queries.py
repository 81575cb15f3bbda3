"""All rules and panels find data in a Prometheus that scrapes a stream with a feed, and a catalogue with runs."""

import re
import threading
from contextlib import contextmanager

import deployed
from deployed import long
from stage import STREAM

from deploy.generate.grafana import queries
from resampler.monitoring.catalog import METRICS
from stream import Feed

# Why a name finds nothing although all is there.
SILENT = {}
_NAME = re.compile(r"\b(?:[a-z_]+:[a-z_:0-9]+|(?:resampler|process)_[a-z_]+)\b")


@contextmanager
def consumer(url):
    """A feed that confirms what it reads, as a learner's does."""
    over = threading.Event()

    def read():
        feed = Feed(url, STREAM, "learner", idle_s=0.5)
        while not over.is_set():
            for _ in feed:
                feed.commit()
                if over.is_set():
                    return

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@long
def test_every_rule_and_every_panel_finds_data(make_stage, export_ledgers, gate, own_catalog):
    """Alerts find nothing where all is well: each name that they ask for must be there."""
    gate(0.97)
    place = ("--snapshot", "payments_train", "--catalog", own_catalog)
    rules = deployed.rules()
    with export_ledgers() as served, make_stage(targets={"resampler-ledgers": served}) as stage:
        with consumer(stage.server.url):
            stage.wait(5)
            gate(0.96)
            deployed.resampler("audit", "privacy", *place)
            url = {"RESAMPLER_REDIS_URL": stage.server.url}
            deployed.resampler("drift", *place, "--stream", STREAM, environment=url)
            stage.traffic.spoil = lambda rng, fields: fields | ({"amount": "nan"} if rng.random() < 0.02 else {})
            stage.wait(20)
        ask = stage.prometheus.query
        empty = [f"{asked.dashboard}: {asked.panel}: {asked.expr}" for asked in queries() if not ask(asked.expr)]
        empty += [
            rule["record"]
            for file in rules
            for group in file["groups"]
            for rule in group["rules"]
            if "record" in rule and not ask(rule["record"])
        ]
        asked_for = {
            name
            for file in rules
            for group in file["groups"]
            for rule in group["rules"]
            for name in _NAME.findall(rule["expr"])
        }
        empty += sorted(name for name in asked_for if not ask(f"last_over_time({name}[1m])"))
        empty += sorted(name for name in METRICS if not ask(f"last_over_time({name}[1m])") and not ask(f"{name}_count"))
        assert not empty, "\n".join(empty)
        failed = [rule["name"] for rule in stage.prometheus.rules() if rule["health"] != "ok"]
        assert not failed, failed
