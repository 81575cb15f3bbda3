"""All rules and panels find data in a Prometheus that scrapes a stream with a feed, and a catalogue with runs."""

import contextlib
import re
import threading

import deployed
from deployed import long
from stage import STREAM

from deploy.generate.grafana import queries
from resampler.monitoring.catalog import METRICS
from stream import Feed

_ABOVE_NOTHING = re.compile(r" > 0$")  # of a panel that is empty where all is well
_NAME = re.compile(r"\b(?:[a-z_]+:[a-z_:0-9]+|(?:resampler|process)_[a-z_]+)\b")


def _panels(ask):
    """Name the panels that find nothing."""
    return {
        f"{asked.dashboard}: {asked.panel}: {asked.expr}"
        for asked in queries()
        if not ask(_ABOVE_NOTHING.sub("", asked.expr))
    }


@contextlib.contextmanager
def consumer(url):
    """A feed that confirms what it reads, as a learner's does."""
    over = threading.Event()

    def read():
        feed = Feed(url, STREAM, name="learner", idle_s=0.5)
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
            deployed.resampler("audit", "privacy", *place, expect=3)  # SMOTE gives much away
            url = {"RESAMPLER_REDIS_URL": stage.server.url}
            deployed.resampler("drift", *place, "--stream", STREAM, environment=url)
            stage.traffic.spoil = lambda rng, fields: fields | ({"amount": "nan"} if rng.random() < 0.02 else {})
            ask = stage.prometheus.query
            empty = _panels(ask)
            with contextlib.suppress(
                AssertionError
            ):  # a day's share takes minutes of a game day; then what is empty is named
                stage.until(lambda: empty.intersection_update(_panels(ask)) or not empty, 180, "panels")
        stage.workers[0].freeze()  # then a shard has no owner, which a name stands for
        unowned = "stream:resampler_shards_unowned:count"
        stage.until(lambda: ask(unowned), 60, unowned)
        known = [rule for file in rules for group in file["groups"] for rule in group["rules"]]
        names = {name for rule in known for name in _NAME.findall(f"{rule['expr']} {rule.get('record', '')}")}
        names |= {f"{name}_count" if metric.kind == "histogram" else name for name, metric in METRICS.items()}
        empty |= {name for name in names if not ask(f"last_over_time({name}[2m])")}
        assert not empty, "\n".join(sorted(empty))
        failed = [rule["name"] for rule in stage.prometheus.rules() if rule["health"] != "ok"]
        assert not failed, failed
