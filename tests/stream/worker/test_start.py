"""What a worker says of its start, and what compiles beside it on a new machine."""

import logging
import os
import subprocess
import sys

import pytest

from resampler import OnlineResampler
from resampler.commands import warmup
from resampler.secret import SecretKey
from stream import Settings, Worker
from stream import warmup as worker_warmup
from stream.formats.table import InputFormat
from stream.worker import companion as beside
from stream.worker import worker as module
from stream.worker.companion import Companion, compile_beside
from stream.worker.start import Start

PLAIN = {"nullable": False, "kept": False, "cells": True, "weighed": False, "hardens": False}

NO_PANDAS = """
import sys
import stream.commands.cli
from stream.warmup import warm
warm()
sys.exit("pandas" in sys.modules)
"""


def test_a_start_says_in_one_line_what_it_has_spent(caplog):
    caplog.set_level(logging.INFO)
    times = iter([10.0, 11.0, 11.25, 12.0, 99.0])
    start = Start(0.5, clock=lambda: next(times))
    start.ended("imports")
    start.ended("kernels")
    start.committed()
    start.committed()
    assert [record.message for record in caplog.records] == [
        "first commit 2.50 s after the start: 1.50 s imports, 0.25 s kernels, 0.75 s until rows were read and committed"
    ]


def test_a_start_begins_with_the_process(caplog):
    caplog.set_level(logging.INFO)
    start = Start.of_process()
    start.committed()
    (record,) = caplog.records
    assert 0 < float(record.message.split()[2]) < 86_400


def test_a_worker_says_it_behind_its_first_commit(server, client, name, schema, make_rows, add_text, caplog):
    caplog.set_level(logging.INFO)
    Worker(server.url, name, Settings(schema), until_idle_s=0.1).run()
    assert "first commit" not in caplog.text
    add_text(client, name, *make_rows(50))
    Worker(server.url, name, Settings(schema, batch_rows=10), until_idle_s=0.1).run()
    (said,) = [record.message for record in caplog.records if record.message.startswith("first commit")]
    for phase in ("s connection, ", "s kernels", "s until rows were read and committed"):
        assert phase in said


@pytest.mark.parametrize(
    ("compiled", "kept", "begun"),
    [(False, True, []), (True, False, []), (True, True, [PLAIN])],
)
def test_a_companion_is_begun_where_kernels_are_compiled_and_kept(
    compiled, kept, begun, server, name, schema, monkeypatch
):
    done = []
    monkeypatch.setattr(module, "must_compile", lambda: compiled)
    monkeypatch.setattr(module, "keeps_kernels", lambda: kept)
    monkeypatch.setattr(Companion, "begin", lambda _, **rules: done.append(rules))
    monkeypatch.setattr(module, "warm", lambda **_: done.append("warm"))
    Worker(server.url, name, Settings(schema), until_idle_s=0.05).run()
    assert done == [*begun, "warm"]


@pytest.mark.parametrize(
    ("words", "later"),
    [
        ("", ["online", "waves", "buffer"]),
        ("danger", ["danger", "waves", "buffer"]),
        ("grids", ["waves", "buffer"]),
        ("small", ["small"]),
        ("small danger", ["small danger"]),
        ("nulls small danger", []),
        ("small groups", []),
    ],
)
def test_a_companion_compiles_first_what_its_worker_leaves_to_it(monkeypatch, words, later):
    order, rules = [], {"nullable": "nulls" in words, "kept": "grids" in words}
    monkeypatch.setattr(beside, "search", lambda **rules: order.append(rules))
    monkeypatch.setattr(beside, "read_rows", lambda formats, **rules: order.append((*formats, rules)))
    monkeypatch.setattr(os, "nice", lambda by: order.append(by))
    monkeypatch.setattr(warmup, "STEPS", {step: lambda step=step: order.append(step) for step in warmup.STEPS})
    compile_beside(*words.split())
    first = [] if "groups" in words else [{"cells": "small" not in words, "nullable": rules["nullable"]}]
    assert order == [*first, ("json", rules), 10, *later]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, {}),
        ({"capacity": 200}, {"cells": False}),
        ({"strategy": "adasyn"}, {"weighed": True}),
        (
            {"strategy": "hardened", "secret_key": SecretKey(bytes(range(16)))},
            {"cells": False, "hardens": True},
        ),
    ],
)
def test_a_companion_is_told_which_kernels_its_worker_needs(parameters, said, server, name, schema, monkeypatch):
    told = []
    monkeypatch.setattr(module, "must_compile", lambda: True)
    monkeypatch.setattr(module, "keeps_kernels", lambda: True)
    monkeypatch.setattr(Companion, "begin", lambda _, **rules: told.append(rules))
    monkeypatch.setattr(module, "warm", lambda **rules: told.append(rules["cells"]))
    Worker(server.url, name, Settings(schema, **parameters), until_idle_s=0.05).run()
    assert told == [PLAIN | said, (PLAIN | said)["cells"]]


@pytest.mark.parametrize("cells", [True, False])
def test_a_companion_searches_buffers_as_its_workers_are(monkeypatch, cells):
    searched = []
    monkeypatch.setattr(worker_warmup, "mend", lambda ring, _: searched.append(ring.graph.cells.home is not None))
    worker_warmup.search(cells=cells)
    assert searched == [cells]


def test_a_worker_leaves_for_last_what_its_companion_compiles(monkeypatch):
    read, made, read_rows = [], [], worker_warmup.read_rows
    monkeypatch.setattr(
        worker_warmup, "read_rows", lambda *some, **rules: read.append(some) or read_rows(*some, **rules)
    )
    monkeypatch.setattr(OnlineResampler, "process", lambda *_: made.append(len(read)))
    worker_warmup.warm()
    assert [InputFormat.JSON in formats for formats, *_ in [some or [worker_warmup.READ] for some in read]] == [
        False,
        True,
    ]
    assert made == [1, 1, 1, 1, 2]


def test_a_companion_ends_with_its_block(monkeypatch):
    monkeypatch.setattr(beside, "_CALL", "import time; time.sleep(600)")
    with Companion() as companion:
        companion.begin(**PLAIN | {"nullable": True})
        process = companion._process
        assert process.args[-1] == "nulls"
        assert process.poll() is None
    assert process.returncode is not None


def test_a_companion_that_is_done_is_no_zombie(monkeypatch, wait_for):
    monkeypatch.setattr(beside, "_CALL", "")
    with Companion() as companion:
        companion.begin(**PLAIN)
        wait_for(lambda: companion._process.returncode == 0)  # without being asked


KILLED = """
import signal
from stream.worker import companion

companion.subprocess.DEVNULL = None  # the test hears whether it lives by what it shares with it
companion._CALL = companion._CALL.replace("c.compile", "import time; print('compiles', flush=True); time.sleep(600) #")
one = companion.Companion()
one.begin(nullable=False, kept=False, cells=True, weighed=False, hardens=False)
signal.pause()
"""


def test_a_companion_ends_with_a_worker_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "compiles\n"
        worker.kill()
        assert worker.stdout.read() == ""  # comes only once both have ended


def test_without_a_second_process_a_worker_compiles_alone(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Companion() as companion:
        companion.begin(**PLAIN)


def test_the_start_of_a_worker_imports_no_pandas():
    assert subprocess.run([sys.executable, "-c", NO_PANDAS], check=False).returncode == 0
