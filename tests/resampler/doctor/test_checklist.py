"""Every item passes on what is ready, fails on what is not, and is unknown where nothing was given."""

import http.server
import json
import shutil
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from prometheus import Alertmanager, Prometheus, need_tool

from deploy.generate.prometheus import alerts, recordings
from feast_plugin import create_snapshot
from resampler.cli import resampler
from resampler.doctor import alerting
from resampler.doctor.checklist import examine, items, worst
from resampler.doctor.item import FAIL, PASS, STAGES, UNKNOWN, Answer, Asked, Item
from resampler.doctor.printing import in_words
from resampler.errors import DataError, InvalidInputError
from resampler.incident.bundle import collect
from resampler.incident.collector import Asked as Incident
from resampler.ledger import FOLDER, Ledger, Run, key_of, now
from resampler.monitoring import exposition
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.exporter import Exporter
from resampler.monitoring.window import LedgerWindows, declare
from resampler.policy import policy_of
from resampler.training_set import open_version
from resampler.unfinished import Unfinished

READY = {
    "gate": {"recall": 0.8, "slices": {"site": {"difference": {"recall": 0.1}}}},
    "privacy": {"exact": 0.01},
    "snapshot": {"max_seconds": "10m"},
    "train": {"command": "train.py", "token": "env:TOKEN"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    rng, n = np.random.default_rng(0), 300
    y = (np.arange(n) % 10 == 0).astype(np.int64)
    table = pa.table({"id": np.arange(n), "a": rng.normal(size=n), "b": rng.normal(size=n), "y": y})
    root = tmp_path_factory.mktemp("catalog")
    create_snapshot(root, name="fraud", entity_df=table, label="y", join_keys=["id"], ratio=0.5)
    return root


@pytest.fixture
def catalog(made, tmp_path):
    return shutil.copytree(made, tmp_path / "catalog")


@pytest.fixture
def asked(catalog):
    place = {"repo": None, "catalog": str(catalog), "root": None}
    return Asked(version=open_version("fraud", **place), place=place)


@pytest.fixture
def ledger(asked):
    return Ledger(asked.version.home / FOLDER)


def answer(name, asked):
    return items()[name].answer(asked)


def test_what_was_not_given_is_unknown_and_says_what_would_tell():
    for examined in examine(Asked()):
        assert examined.answer.verdict == UNKNOWN
        assert examined.answer.reason.startswith("not looked at: give --")
    assert worst(examine(Asked())) == UNKNOWN


def test_what_does_not_answer_is_unknown_never_a_traceback():
    for error in (DataError("no such version"), OSError("no route to host")):

        def ask(_asked, error=error):
            raise error

        item = Item("x", "production", "?", "", (), ask)
        assert item.answer(Asked()) == Answer(UNKNOWN, f"cannot be looked at: {error}")


def test_rows_of_a_version_that_are_as_they_should_be_pass(asked):
    for name in ("split-first", "parameters-recorded", "hold-out-real", "version-verifies", "registry-locked"):
        assert answer(name, asked).verdict == PASS, name


def test_a_synthetic_row_in_the_hold_out_fails(asked):
    path = Path(asked.version.directory.path) / asked.version.files["test"][0]
    table = pq.read_table(path)
    at = table.column_names.index(asked.version.synthetic)
    marks = [row == 3 for row in range(table.num_rows)]
    pq.write_table(table.set_column(at, table.field(at), pa.array(marks)), path)
    assert answer("hold-out-real", asked) == Answer(FAIL, f"test has 1 synthetic row of {table.num_rows}")
    assert answer("version-verifies", asked).verdict == FAIL
    without = replace(asked.version, files={"train": ("x",)})
    assert answer("hold-out-real", replace(asked, version=without)).verdict == FAIL


def test_a_parent_outside_the_training_split_fails(asked):
    path = Path(asked.version.directory.path) / asked.version.lineage
    table = pq.read_table(path)
    at = table.column_names.index("base_row")
    rows = table["base_row"].to_numpy().copy()
    rows[5] = 10_000
    pq.write_table(table.set_column(at, table.field(at), pa.array(rows)), path)
    assert answer("split-first", asked) == Answer(FAIL, "1 parent of synthetic rows stand outside the training split")
    assert answer("split-first", replace(asked, version=replace(asked.version, lineage=None))).verdict == UNKNOWN


def test_a_version_that_is_given_away_needs_a_secret_key(asked):
    def keyed(**parameters):
        version = replace(asked.version, parameters={**asked.version.parameters, **parameters})
        return answer("secret-key", replace(asked, version=version)).verdict

    assert keyed() == UNKNOWN
    assert keyed(release=True) == FAIL
    assert keyed(sampler="hardened") == FAIL
    assert keyed(release=True, secret_key="0123456789abcdef") == PASS


@pytest.mark.parametrize(("outcome", "verdict"), [("pass", PASS), ("no", FAIL), ("unknown", UNKNOWN), ("failed", FAIL)])
def test_runs_on_this_version_are_what_counts(asked, ledger, outcome, verdict):
    names = {"gate": "gate-passed", "drift": "drift-passed", "privacy": "privacy-passed"}

    def keep_runs(outcome, digest):
        about = {"gate": {"snapshot": {"digest": digest}}, "drift": {"reference": {"digest": digest}}}
        for step in names:
            details = about.get(step, {"digest": digest})
            ledger.append(Run(step, outcome, key_of(digest=digest, outcome=outcome), "fraud", now(), 0.0, details))

    keep_runs("pass", "another version's")
    for name in (*names.values(), "audit-recent"):
        assert answer(name, asked).verdict == FAIL, name
    keep_runs(outcome, asked.version.digest)
    for name in names.values():
        assert answer(name, asked).verdict == verdict, name
    assert answer("audit-recent", asked).verdict == PASS


def test_an_old_audit_fails(asked, ledger):
    at = (datetime.now(UTC) - timedelta(days=91)).isoformat()
    ledger.append(Run("privacy", "pass", key_of(), "fraud", at, 0.0, {"digest": asked.version.digest}))
    assert answer("audit-recent", asked).verdict == FAIL
    assert answer("privacy-passed", asked).verdict == PASS


def test_what_stands_beside_versions(asked, ledger, catalog):
    names = ("ledger-whole", "no-maintenance", "lineage-sent", "runs-finished")
    for name in names:
        assert answer(name, asked).verdict == PASS, name
    LedgerWindows("fraud", ledger).declare(declare("fraud", 3600, "ann"))
    for file in (
        "outbox/1.json",
        "ledger/20260101T000000000000-gate-pass-0-000000000000.json",
    ):
        (catalog / "fraud" / file).parent.mkdir(parents=True, exist_ok=True)
        (catalog / "fraud" / file).write_text("{")
    Unfinished("a", "a", now()).write(asked.version.home / "unfinished" / "a")
    for name in names:
        assert answer(name, asked).verdict == FAIL, name
    assert "says ann" in answer("no-maintenance", asked).reason


def test_policies(asked):
    def judged(name, tables):
        return answer(name, replace(asked, policy=policy_of(tables))).verdict

    empty = {"gate": {"recall": 0.8}, "privacy": {}, "snapshot": {"label": "y"}}
    for name in ("fairness-in-policy", "privacy-in-policy", "budget-set"):
        assert (judged(name, READY), judged(name, empty)) == (PASS, FAIL), name
    assert judged("secrets-by-reference", READY) == PASS
    for text in ("redis://ann:pw@host", "https://host/hook?token=abc"):
        assert judged("secrets-by-reference", READY | {"retrain": {"rows": ["x", {"y": text}]}}) == FAIL
    told = answer("secrets-by-reference", replace(asked, policy=policy_of(READY), url="redis://:pw@host"))
    assert told == Answer(FAIL, "--url has a secret in its text")


def test_runbooks_in_a_directory(tmp_path):
    asked = Asked(runbooks=str(tmp_path))
    for name in ALERTS:
        (tmp_path / f"{name}.md").write_text("# x")
    assert answer("runbooks-there", asked).verdict == PASS
    (tmp_path / f"{next(iter(ALERTS))}.md").unlink()
    assert answer("runbooks-there", asked) == Answer(
        FAIL, f"1 of {len(ALERTS)} runbooks are not there: {next(iter(ALERTS))}"
    )


def test_nothing_that_answers_as_prometheus():
    silent = "does not answer as Prometheus does"
    for url, said in (
        ("http://127.0.0.1:1", silent),
        ("http://ann:s3cret@127.0.0.1:1", silent),
        ("http://ann:s3cret@127.0.0.1:port", silent),
        ("http://[::1", silent),
        ("ann:s3cret@host", "must be a URL"),
    ):
        for name in ("alerts-loaded", "alertmanager-reached"):
            found = answer(name, Asked(prometheus=url))
            assert found.verdict == UNKNOWN
            assert said in found.reason
            assert "s3cret" not in found.reason


def test_a_redirect_takes_no_password_to_another_host_and_a_server_that_trickles_is_not_waited_for(
    monkeypatch, asked, tmp_path
):
    got = []

    class _Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            got.append((self.path, self.headers.get("Authorization")))
            if self.path.startswith("/there"):
                self.send_response(200)
                self.end_headers()
                while "slow" in self.path:
                    self.wfile.write(b" ")
                    time.sleep(0.1)
                self.wfile.write(b'{"data": {"activeAlertmanagers": []}}')
            else:
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{server.server_port}/there{self.path}")
                self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://ann:s3cret@127.0.0.1:{server.server_port}"
    assert answer("alertmanager-reached", Asked(prometheus=base)).verdict == FAIL
    assert collect(Incident(metrics=(f"{base}/metrics",)), tmp_path / "a.zip").files["metrics-1.txt"]
    monkeypatch.setattr(alerting, "LIMIT_S", 0.5)
    slow = answer("alertmanager-reached", Asked(prometheus=f"{base}/slow"))
    server.shutdown()
    assert slow == Answer(UNKNOWN, "cannot be looked at: its server has not answered in full within 0.5 s")
    assert {path.startswith("/there") for path, _ in got} == {True, False}
    assert all((key is None) == path.startswith("/there") for path, key in got), got


def test_names_of_any_letters_are_asked_for_as_they_are(monkeypatch):
    asked_for = []
    monkeypatch.setattr(alerting, "_get", lambda _, __, query: asked_for.append(query) or {"result": [1]})
    found = answer("metrics-scraped", Asked(prometheus="http://x", stream='a"b\\c\n{{ü}}'))
    assert found.verdict == PASS
    assert asked_for == ['resampler_worker_info{stream="a\\"b\\\\c\\n{{ü}}"}']


def test_runbooks_that_no_server_has():
    for base in ("http://127.0.0.1:1/", "http://[::1", "http://ann:s3cret@127.0.0.1:port"):
        found = answer("runbooks-there", Asked(runbooks=base))
        assert found.verdict == UNKNOWN
        assert "s3cret" not in found.reason


def called(*words):
    return CliRunner().invoke(resampler, ["doctor", *map(str, words)], standalone_mode=False)


def test_the_command_says_it_by_stage_the_worst_first(asked, catalog):
    found = called("--snapshot", "fraud", "--catalog", catalog)
    assert found.return_value == 3
    lines = found.stdout.splitlines()
    assert lines[0].startswith("not ready: ")
    heads = [at for at, line in enumerate(lines) if not line.startswith(" ")][1:]
    assert [lines[at].partition(":")[0] for at in heads] == list(STAGES)
    for start, stop in zip(heads, [*heads[1:], len(lines)], strict=True):
        verdicts = [line.split()[0] for line in lines[start + 1 : stop]]
        assert verdicts == sorted(verdicts, key=(FAIL, UNKNOWN, PASS).index)
    assert list(in_words(examine(asked))) == lines
    (servers,) = [line for line in lines if "alertmanager-reached" in line]
    assert (
        servers
        == "  unknown  alerts-loaded, alertmanager-reached, metrics-scraped: not looked at: give --prometheus URL"
    )
    assert sum(line.count(name) for line in lines for name in items()) >= len(items())


def test_nothing_to_look_at_is_wrong_usage_and_not_a_yes():
    for words in ((), ("--strict",)):
        found = called(*words)
        assert isinstance(found.exception, InvalidInputError)
        assert "--snapshot, --policy" in str(found.exception)
    named = ("--runbooks", Path("docs/runbooks").absolute())
    assert called(*named).return_value == 0
    assert called(*named, "--strict").return_value == 3
    assert called(*named).stdout.startswith("nothing fails, and not all is known: 0 fail, ")


def test_a_person_answers_for_labels_of_one_version(asked, catalog):
    where = ("--snapshot", "fraud", "--catalog", catalog, "--json")
    said = json.loads(called(*where, "--attest", "labels-reviewed", "--by", "ann", "--reason", "50 rows").stdout)
    (found,) = [one for one in said["items"] if one["name"] == "labels-reviewed"]
    assert found["verdict"] == PASS
    assert found["reason"] == f"ann said so on {now()[:10]}: 50 rows"
    assert said["verdict"] == FAIL
    other = replace(asked, version=replace(asked.version, digest="0" * 64))
    assert answer("labels-reviewed", other).verdict == UNKNOWN
    for words, message in (
        (("--attest", "hold-out-real"), "--attest takes what a person alone can say: labels-reviewed"),
        (("--attest", "labels-reviewed"), "name it, --snapshot NAME"),
        (("--url", "redis://x"), "name it, --stream NAME"),
    ):
        assert message in str(called(*words).exception)


def test_a_real_prometheus_that_scrapes_a_catalogue_and_sends_alerts(tmp_path, asked, catalog):
    need_tool("prometheus")
    need_tool("alertmanager")
    exporter = Exporter([], {"catalog": str(catalog)}, [], print)
    metrics, port = exposition.serve(exporter, "127.0.0.1", 0)
    names = ("alerts-loaded", "alertmanager-reached", "metrics-scraped")

    def verdicts(server):
        return [answer(name, replace(asked, prometheus=server.url)).verdict for name in names]

    try:
        with Prometheus(tmp_path / "bare", {}, [{"groups": alerts()["groups"][1:]}, recordings()]) as server:
            assert verdicts(server) == [FAIL, FAIL, FAIL]
        receiver = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}
        with (
            Alertmanager(tmp_path / "alertmanager", receiver) as manager,
            Prometheus(
                tmp_path / "ready", {"ledgers": f"127.0.0.1:{port}"}, [alerts(), recordings()], alertmanager=manager
            ) as server,
        ):
            deadline = time.monotonic() + 20
            while verdicts(server) != [PASS, PASS, PASS] and time.monotonic() < deadline:
                time.sleep(0.2)
            assert verdicts(server) == [PASS, PASS, PASS]
    finally:
        metrics.shutdown()
        metrics.server_close()
