"""Sending: in order, at least once, refused for good or not at all; and without anybody seeing a password."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from publications import told_of

from resampler.lineage.outbox import POINTED, REMOVED, Outbox
from resampler.lineage.sender import PATIENCE_S, _in_a_line, send, send_soon
from resampler.lineage.settings import OpenLineage, Settings
from resampler.storage import Location

PASSWORD = "s3cret-of-the-lineage-server"


@pytest.fixture
def server():
    """A server that takes events, and answers what it is told to."""

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.got.append(event)
            self.send_response(self.server.answers.pop(0) if self.server.answers else 201)
            self.end_headers()

        def log_message(self, *words):
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    found.got, found.answers = [], []
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()


@pytest.fixture
def outbox(tmp_path):
    found = Outbox(Location.parse(tmp_path / "fraud"))
    found.confirm(found.stage([told_of(version) for version in (1, 2, 3)]))
    return found


def to(port):
    transport = {"type": "http", "url": f"http://me:{PASSWORD}@127.0.0.1:{port}"}
    transport["auth"] = {"type": "api_key", "apiKey": PASSWORD}
    return Settings(OpenLineage("shop", transport))


def versions(server):
    return [one["outputs"][0]["facets"]["version"]["datasetVersion"] for one in server.got]


def test_events_are_what_openlineage_expects(server, outbox):
    outbox.confirm(outbox.stage([told_of(2, what=POINTED, alias="prod", before=1, why="alias")]))
    outbox.confirm(outbox.stage([told_of(1, what=REMOVED, why="prune", words="it is gone")]))
    assert send(outbox.home, to(server.server_port)).sent == 5
    first, *_, move, gone, other = server.got
    assert (first["eventType"], first["job"], first["run"]["runId"]) == (
        "COMPLETE",
        first["job"] | {"namespace": "shop", "name": "snapshot_fraud"},
        told_of(1).id,
    )
    assert [(one["namespace"], one["name"]) for one in first["inputs"]] == [
        ("shop", "service"),
        ("shop", "payments"),
        ("s3://bucket", "frames/frame.parquet"),
    ]
    train, test = first["outputs"]
    assert (train["name"], test["name"]) == ("fraud_train", "fraud_test")
    ours = train["facets"]["resampler_version"]
    assert (ours["seed"], ours["ratio"], ours["method"], ours["secretKey"]) == (7, 0.5, "smote", "0123456789abcdef")
    assert ours["parents"]["split"] == "train"
    assert train["facets"]["symlinks"]["identifiers"][0]["name"] == "fraud_v0001_train"
    assert train["outputFacets"]["outputStatistics"]["rowCount"] == 120
    assert all(facet["_producer"] and facet["_schemaURL"] for facet in train["facets"].values())
    assert [one["name"] for one in move["inputs"]] == ["fraud_v0002_train", "fraud_v0002_test"]
    assert [one["name"] for one in move["outputs"]] == ["fraud_prod_train", "fraud_prod_test"]
    assert {one["dataset"]["name"] for one in (gone, other)} == {"fraud_v0001_train", "fraud_v0001_test"}
    assert gone["dataset"]["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "DROP"
    assert PASSWORD not in json.dumps(server.got)


def test_behind_one_that_does_not_arrive_the_others_wait(server, outbox):
    server.answers += [201, 503]
    done = send(outbox.home, to(server.server_port))
    assert (done.sent, versions(server), outbox.waiting.events) == (1, ["1", "2"], 2)
    assert PASSWORD not in str(done)
    assert "503" in done.problems["openlineage"], "and says what the server said"
    assert send(outbox.home, to(server.server_port)).sent == 2
    assert versions(server) == ["1", "2", "2", "3"]
    ids = [one["run"]["runId"] for one in server.got]
    assert ids[1] == ids[2], "what comes twice is known by its run"


def test_what_is_refused_for_good_stops_no_other(server, outbox):
    server.answers += [201, 422]
    done = send(outbox.home, to(server.server_port))
    assert (done.sent, len(done.refused), outbox.waiting.events, outbox.waiting.refused) == (2, 1, 0, 1)
    assert "422" in str(done.problems)


def test_who_is_not_told_any_more_loses_nothing(outbox):
    assert send(outbox.home, Settings()).sent == 0
    assert outbox.waiting.events == 3


def test_a_server_that_accepts_and_never_answers_costs_no_more_than_patience_and_sees_no_argument(outbox):
    silent = socket.create_server(("127.0.0.1", 0))
    seen = set()
    watching = threading.Event()

    def _watch():
        while not watching.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if (words := (process / "cmdline").read_bytes()).find(b"resampler.lineage.sender") >= 0:
                        seen.add(words + (process / "environ").read_bytes())
                except OSError:
                    continue
            time.sleep(0.05)

    thread = threading.Thread(target=_watch)
    thread.start()
    taken = []
    for _ in range(3):
        began = time.monotonic()
        assert send_soon(outbox.home, to(silent.getsockname()[1])) is None, "it goes on alone"
        taken.append(time.monotonic() - began)
    watching.set()
    thread.join()
    silent.close()
    assert PATIENCE_S <= min(taken) < 2, "the least, for other tests run beside this one"
    assert seen, "it was at work"
    assert not any(PASSWORD.encode() in words for words in seen)
    assert outbox.waiting.events == 3


def test_nobody_there_is_known_within_patience_on_an_idle_machine(outbox):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    done = send_soon(outbox.home, to(port))
    assert done is None or done.sent == 0
    assert outbox.waiting.events == 3


def test_a_configuration_that_is_wrong_is_said(outbox, caplog, capfd):
    wrong = Settings(OpenLineage("shop", {"type": "http", "url": f"me:{PASSWORD}@nowhere"}))
    (problem,) = send(outbox.home, wrong).problems.values()
    assert "Need valid url" in problem
    assert PASSWORD not in problem
    several = {"type": "composite", "transports": [{"type": "http", "url": f"http://me:{PASSWORD}@127.0.0.1:9"}]}
    assert send(outbox.home, Settings(OpenLineage("shop", several))).sent == 0
    assert outbox.waiting.events == 3
    said = capfd.readouterr()
    assert PASSWORD not in caplog.text + said.out + said.err


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("refused by http://me:pw@h:1/x?token=t", "refused by http://h:1/x"),
        ("no route to mysql://me:pa/ss@h/db", "no route to mysql://h/db"),
        ("me:pw@h refused, says a@b", "h refused, says a@b"),
        ("http://h/x,http://me:pw@g/y", "http://h/x,http://g/y"),
        ("a:" * 100_000, "a:" * 100),
        ("://" * 100_000, "://" * 66 + ":/"),
    ],
)
def test_what_a_server_says_is_told_without_secrets_however_long_it_is(said, shown):
    began = time.process_time()
    assert _in_a_line(OSError(said)) == f"OSError: {shown}"
    assert time.process_time() - began < 1


def test_two_senders_send_once(server, outbox):
    threads = [threading.Thread(target=send, args=(outbox.home, to(server.server_port), 20.0)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions(server) == ["1", "2", "3"]
