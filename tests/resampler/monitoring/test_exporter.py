"""What is exported is the catalogue, whatever becomes of a ledger, a version or the catalogue's directory."""

import re
import shutil
import stat
import threading
import urllib.request

import numpy as np
import pyarrow as pa
import pytest
from prometheus import find_tool, promtool
from prometheus_client.parser import text_string_to_metric_families

from feast_plugin import create_snapshot
from resampler.errors import InvalidInputError, ResamplerError
from resampler.ledger import Ledger, Run, key_of, now
from resampler.monitoring import exposition
from resampler.monitoring.catalog import LEDGER
from resampler.monitoring.exporter import Exporter, named_ledger
from resampler.monitoring.window import LedgerWindows, declare
from resampler.storage import Location
from resampler.unfinished import Unfinished

NOWHERE = {"repo": None, "catalog": None, "root": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a catalogue with one version of one snapshot."""
    rng, n = np.random.default_rng(0), 300
    y = np.arange(n) % 10 == 0
    table = pa.table({"id": np.arange(n), "a": rng.normal(size=n), "b": rng.normal(size=n), "y": y.astype(np.int64)})
    root = tmp_path_factory.mktemp("catalog")
    create_snapshot(root, name="fraud", entity_df=table, label="y", join_keys=["id"], ratio=0.5)
    return root


@pytest.fixture
def catalog(made, tmp_path):
    return shutil.copytree(made, tmp_path / "catalog")


@pytest.fixture
def said():
    return []


@pytest.fixture
def exporter(catalog, said):
    return Exporter([], NOWHERE | {"catalog": str(catalog)}, [], said.append)


def value(samples, metric, *labels):
    (found,) = [one.value for one in samples if one.metric == metric and one.labels == labels]
    return found


def run(ledger, step="retrain", outcome="pass", **details):
    ledger.append(Run(step, outcome, key_of(n=len(ledger.names())), "fraud version 1", now(), 1.0, details))


def test_what_is_exported_is_the_catalogue(exporter, catalog, said):
    run(Ledger(catalog / "fraud" / "ledger"))
    text = exposition.as_text(exporter).decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert {family.name: (family.type, family.documentation) for family in found.values()} == {
        metric.family: (metric.kind, metric.help) for metric in LEDGER.values()
    }
    for metric in LEDGER.values():
        for sample in found[metric.family].samples:
            assert sample.name == metric.name
            assert set(sample.labels) == set(metric.labels)
    assert said == []
    if find_tool("promtool"):
        assert promtool("check", "metrics", input=text).returncode == 0


def test_a_version_says_its_rows_and_its_ratio(exporter):
    samples = exporter.look(1.0)
    assert value(samples, "resampler_snapshot_version", "fraud") == 1
    assert value(samples, "resampler_snapshot_rows", "fraud", "train", "0", "real") == 189
    made = value(samples, "resampler_snapshot_rows", "fraud", "train", "1", "synthetic")
    assert value(samples, "resampler_snapshot_ratio", "fraud", "1") == (21 + made) / 189
    assert value(samples, "resampler_snapshot_target_ratio", "fraud") == 0.5
    (info,) = [one.labels for one in samples if one.metric == "resampler_snapshot_info"]
    assert info[:2] == ("fraud", "1")
    assert info[3:5] == ("smote", "0")


def test_snapshots_that_come_later_are_exported_too(exporter, catalog):
    exporter.look(1.0)
    run(Ledger(catalog / "churn" / "ledger"), outcome="failed")
    samples = exporter.look(2.0)
    assert value(samples, "resampler_runs_total", "churn", "retrain", "failed") == 1
    assert not [one for one in samples if one.metric == "resampler_snapshot_version" and one.labels == ("churn",)]


def test_what_waits_beside_the_versions_is_counted(exporter, catalog):
    for name in ("outbox/1.json", "outbox/2.json", "outbox/2.json.part", "outbox/refused/3.json"):
        (catalog / "fraud" / name).parent.mkdir(exist_ok=True)
        (catalog / "fraud" / name).write_text("{}")
    for token, step in (("a", "advise"), ("b", "snapshot")):
        Unfinished(token, token, now(), step).write(Location.parse(catalog / "fraud" / "unfinished" / token))
    samples = exporter.look(1.0)
    assert value(samples, "resampler_lineage_outbox_events", "fraud") == 2
    assert value(samples, "resampler_unfinished_runs", "fraud", "advise") == 1
    assert value(samples, "resampler_unfinished_runs", "fraud", "snapshot") == 1
    run(Ledger(catalog / "fraud" / "ledger"), step="privacy", outcome="stopped")
    assert value(exporter.look(2.0), "resampler_unfinished_runs", "fraud", "privacy") == 1


def test_a_damaged_manifest_is_said_and_the_ledger_exported(exporter, catalog, said):
    run(Ledger(catalog / "fraud" / "ledger"))
    (catalog / "fraud" / "v0001" / "manifest.json").write_text("{")
    for _ in range(2):
        samples = exporter.look(1.0)
        assert value(samples, "resampler_runs_total", "fraud", "retrain", "pass") == 1
        assert value(samples, "resampler_ledger_unread_files", "fraud") == 1
    (line,) = said
    assert re.match(r"the newest version of fraud cannot be read: .*manifest.json", line)


def test_a_ledger_that_does_not_answer_keeps_its_last_values_and_no_window(exporter, catalog, said, monkeypatch):
    ledger = Ledger(catalog / "fraud" / "ledger")
    run(ledger)
    LedgerWindows("fraud", ledger).declare(declare("fraud", 3600, "ann"))
    assert value(exporter.look(1.0), "resampler_maintenance", "fraud", "snapshot") == 1

    def names(self, step=None):
        raise OSError("no route to host")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "names", names)
        for at in (2.0, 3.0):
            samples = exporter.look(at)
            assert value(samples, "resampler_runs_total", "fraud", "retrain", "pass") == 1
            assert value(samples, "resampler_ledger_read_timestamp_seconds", "fraud") == 1.0
            assert not [one for one in samples if one.metric == "resampler_maintenance"]
    assert said == ["the ledger of fraud cannot be read: no route to host"]
    assert value(exporter.look(4.0), "resampler_ledger_read_timestamp_seconds", "fraud") == 4.0


def test_a_catalogue_that_goes_away_takes_nothing_down(exporter, catalog, said, monkeypatch):
    exporter.look(1.0)

    def homes(**_place):
        raise OSError("no route to host")

    monkeypatch.setattr("resampler.monitoring.exporter.homes", homes)
    assert value(exporter.look(2.0), "resampler_snapshot_version", "fraud") == 1
    assert said == ["the catalogue cannot be listed: no route to host"]


def test_ledgers_are_called_after_their_snapshot_or_as_is_said(tmp_path):
    assert named_ledger(str(tmp_path / "fraud" / "ledger"))[0] == "fraud"
    assert named_ledger(str(tmp_path / "runs"))[0] == "runs"
    name, ledger = named_ledger(f"mine={tmp_path}")
    assert (name, ledger.directory.path) == ("mine", str(tmp_path))


def test_what_is_asked_for_wrongly_is_said(catalog, tmp_path):
    place = NOWHERE | {"catalog": str(catalog)}
    with pytest.raises(InvalidInputError, match="give --ledger DIRECTORY, or --catalog"):
        Exporter([], NOWHERE, [], print)
    with pytest.raises(InvalidInputError, match="two ledgers are called 'x': name one of them"):
        Exporter([f"x={tmp_path}", f"x={catalog}"], NOWHERE, [], print)
    for before in ("", "mine="):
        with pytest.raises(
            InvalidInputError, match=r"is the directory of a snapshot, .* give --ledger .*/fraud/ledger"
        ):
            Exporter([f"{before}{catalog / 'fraud'}"], NOWHERE, [], print)
    with pytest.raises(InvalidInputError, match="'churn' is not there; there are: fraud"):
        Exporter([], place, ["churn"], print).look(0.0)
    with pytest.raises(InvalidInputError, match="a snapshot are called 'fraud'"):
        Exporter([str(catalog / "fraud" / "ledger")], place, [], print).look(0.0)
    exporter = Exporter([], place, [], print)
    with pytest.raises(InvalidInputError, match=r"must end in .prom, or node_exporter does not read it"):
        exposition.write(exporter, tmp_path / "x.txt")
    with pytest.raises(InvalidInputError, match="has no directory to stand in"):
        exposition.write(exporter, tmp_path / "none" / "x.prom")


def test_a_textfile_is_whole_or_as_before(exporter, tmp_path, monkeypatch):
    file = tmp_path / "resampler.prom"
    file.write_text("before")
    with monkeypatch.context() as patched:
        patched.setattr("os.fchmod", lambda *_: (_ for _ in ()).throw(OSError("no space left on device")))
        with pytest.raises(OSError, match="no space left"):
            exposition.write(exporter, file)
    assert file.read_text() == "before"
    exposition.write(exporter, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert 'resampler_snapshot_version{snapshot="fraud"} 1.0' in file.read_text()
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith((".part", ".prom"))] == ["resampler.prom"]


def test_it_is_served_to_several_at_once(exporter):
    server, port = exposition.serve(exporter, "127.0.0.1", 0)
    try:
        found = []

        def scrape():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                found.append(answer.read().decode())

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert all('resampler_snapshot_version{snapshot="fraud"} 1.0' in text for text in found)
        with pytest.raises(ResamplerError, match=f"--port {port} of 127.0.0.1 cannot be listened on"):
            exposition.serve(exporter, "127.0.0.1", port)
    finally:
        server.shutdown()
        server.server_close()
