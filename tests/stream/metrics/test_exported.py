"""A running worker exports the catalogue: every metric of it, and nothing else."""

import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from resampler.monitoring.catalog import WORKER
from stream import Settings, Worker
from stream.formats.rejects import Reason
from stream.metrics import Refusal, ShardState
from stream.redis.keys import ShardKeys
from stream.worker.http import metrics_server
from tests.harness.prometheus import promtool


@pytest.fixture
def everything(server, client, name, schema, reference, serving, wait_for, make_rows, add_text, free_port):
    """Return what a worker exports that has met all that there are metrics of."""
    X, y = make_rows(1_500, seed=6)
    add_text(client, name, X, y)
    client.xadd(name, {"a": "1", "label": "0"}, id="2000-0")
    client.hset(ShardKeys(name).feeds, "trainer", "3-0 100")
    settings = Settings(schema, reference=reference, seed=7, ratio=0.5, drift_rows=100, drift_every=2, feedback=60)
    worker = serving(server.url, name, settings)
    with metrics_server(worker, "127.0.0.1", free_port) as port:

        def scrape():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
                return reply.read().decode()

        def complete():
            return all(family.samples for family in text_string_to_metric_families(scrape()))

        wait_for(complete)
        return scrape()


def test_what_is_exported_is_the_catalogue(everything):
    families = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(everything)
    }
    assert set(families) == set(WORKER)
    for name, family in families.items():
        assert (family.type, family.documentation) == (WORKER[name].kind, WORKER[name].help), name
        beside = {"le"} if family.type == "histogram" else set()
        labels = {frozenset(set(sample.labels) - beside) for sample in family.samples}
        assert labels == {frozenset(WORKER[name].labels)}, name


def test_promtool_finds_nothing_to_say(everything):
    checked = promtool("check", "metrics", input=everything)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_worker_says_who_it_is_and_nothing_of_its_secret_key(schema, name, exported, monkeypatch):
    monkeypatch.setenv("STREAM_KEY", "a secret of more than sixteen bytes")
    settings = Settings(schema, seed=7, secret_key="env:STREAM_KEY")
    worker = Worker("redis://nowhere", name, settings)
    found = exported(worker)
    (info,) = (dict(labels) for metric, *labels in found if metric == "resampler_worker_info")
    run = worker.owner.rpartition(":")[2]
    assert info.pop("version")
    assert info == {"stream": name, "run": run, "contract": schema.hash[:12], "seed": "7"}
    assert settings.secret_key.fingerprint not in str(found)


def test_what_counts_is_there_before_it_has_happened(schema, name, exported):
    """Else `rate` and `increase` do not see the first time."""
    found = exported(Worker("redis://nowhere", name, Settings(schema), shards=2))
    for shard in (f"{name}.0", f"{name}.1"):
        of = (("shard", shard), ("stream", name))
        for refusal in Refusal:
            assert found["resampler_refused_commits_total", ("reason", refusal), *of] == 0
        for reason in Reason:
            assert found["resampler_dead_letters_total", ("reason", reason), *of] == 0
        assert found["resampler_reconnects_total", *of] == 0
        assert found["resampler_replayed_rows_total", *of] == 0
        assert found["resampler_drift_windows_total", *of] == 0
        assert found["resampler_shard_owned", *of] == 0
    assert found["resampler_maintenance", ("dataset", name), ("kind", "stream")] == 0
    states = {state: found["resampler_shards", ("state", state), ("stream", name)] for state in ShardState}
    assert states == {"owned": 0, "elsewhere": 0, "unowned": 0, "unknown": 2}


def test_threads_that_hang_are_counted(schema, name, exported, monkeypatch):
    worker = Worker("redis://nowhere", name, Settings(schema), shards=2)
    assert exported(worker)["resampler_hanging_threads", ("stream", name)] == 0
    vitals = worker._runners[1].vitals
    vitals.attach()
    monkeypatch.setattr(vitals, "_clock", lambda: time.monotonic() + 60)
    assert exported(worker)["resampler_hanging_threads", ("stream", name)] == 1
