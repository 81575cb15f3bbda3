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
from stream.formats.table import INPUTS, InputFormat
from stream.redis.keys import shard_keys
from stream.warmup import READ
from stream.worker import companion as beside
from stream.worker import worker as module
from stream.worker.companion import Companion, compile_beside
from stream.worker.start import Start
from stream.worker.waiting import waiting_formats

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
    [(False, True, []), (True, False, []), (True, True, [(READ, PLAIN)])],
)
def test_a_companion_is_begun_where_kernels_are_compiled_and_kept(
    compiled, kept, begun, server, name, schema, monkeypatch
):
    done = []
    monkeypatch.setattr(module, "must_compile", lambda: compiled)
    monkeypatch.setattr(module, "keeps_kernels", lambda: kept)
    monkeypatch.setattr(Companion, "begin", lambda _, formats, **rules: done.append((formats, rules)))
    monkeypatch.setattr(module, "warm", lambda **rules: done.append(rules["formats"]))
    Worker(server.url, name, Settings(schema), until_idle_s=0.05).run()
    assert done == [*begun, READ]


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
    searches = {"cells": "small" not in words, "nullable": rules["nullable"]}
    monkeypatch.setattr(beside, "search", lambda **rules: order.append(rules))
    monkeypatch.setattr(beside, "plan", lambda **rules: order.append(("plan", rules)))
    monkeypatch.setattr(beside, "read_rows", lambda formats=READ, **rules: order.append((*formats, rules)))
    monkeypatch.setattr(os, "nice", lambda by: order.append(by))
    monkeypatch.setattr(warmup, "STEPS", {step: lambda step=step: order.append(step) for step in warmup.STEPS})
    compile_beside("text", *words.split())
    first, then = ([searches | {"inserting": True}], [searches]) if "groups" not in words else ([], [])
    assert order == [*first, ("plan", rules), ("text", rules), 10, *then, (*READ, rules), *later]


@pytest.mark.parametrize(
    ("parameters", "rules", "said"),
    [
        ({}, (), {}),
        ({"capacity": 200}, (), {"cells": False}),
        ({"strategy": "adasyn"}, (), {"weighed": True}),
        ({}, ([0],), {"nullable": True, "cells": False}),
        ({}, ([], {0: 0.5}), {"kept": True}),
        (
            {"strategy": "hardened", "secret_key": SecretKey(bytes(range(16)))},
            (),
            {"cells": False, "hardens": True},
        ),
    ],
)
def test_a_companion_is_told_which_kernels_its_worker_needs(parameters, rules, said, server, name, schema, monkeypatch):
    told = []
    if rules:
        names, (nullable, *grids) = schema.names, rules
        kept = {names[j]: step for j, step in grids[0].items()} if grids else None
        schema = schema.with_rules([names[j] for j in nullable], kept)
    monkeypatch.setattr(module, "must_compile", lambda: True)
    monkeypatch.setattr(module, "keeps_kernels", lambda: True)
    monkeypatch.setattr(Companion, "begin", lambda _, __, **rules: told.append(rules))
    monkeypatch.setattr(module, "make", lambda: told.append("make"))
    monkeypatch.setattr(module, "warm", lambda **rules: told.append(rules["cells"]))
    Worker(server.url, name, Settings(schema, **parameters), until_idle_s=0.05).run()
    assert told == [PLAIN | said, *(["make"] if not said else []), (PLAIN | said)["cells"]]


@pytest.mark.parametrize("cells", [True, False])
@pytest.mark.parametrize(("inserting", "by"), [(False, "mend"), (True, "compile_insertion")])
def test_a_companion_searches_buffers_as_its_workers_are(monkeypatch, cells, inserting, by):
    searched = []
    monkeypatch.setattr(worker_warmup, by, lambda ring, *_: searched.append(ring.graph.cells.home is not None))
    worker_warmup.search(cells=cells, inserting=inserting)
    assert searched == [cells]


def test_a_worker_leaves_for_last_what_its_companion_compiles(monkeypatch):
    read, made, read_rows = [], [], worker_warmup.read_rows
    monkeypatch.setattr(worker_warmup, "read_rows", lambda some, **rules: read.append(some) or read_rows(some, **rules))
    monkeypatch.setattr(OnlineResampler, "process", lambda *_: made.append(len(read)))
    worker_warmup.warm(formats=[InputFormat.TEXT])
    assert read == [[InputFormat.TEXT]]
    assert made == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ([], READ),
        (["json"], ("json",)),
        (["json", "text"], ("text", "json")),
        (["arrow"], ("rows",)),
        (["arrow", "row"], ("row",)),
    ],
)
def test_a_worker_compiles_what_reads_the_rows_that_wait(kinds, found, server, client, name, schema, make_rows):
    shards = shard_keys(name, 2)
    for keys, kind in zip(shards, kinds, strict=False):
        for items in [*INPUTS[InputFormat("rows")](schema).encode(*make_rows(2)), *encoded(kind, schema, make_rows)]:
            client.xadd(keys.input, dict(zip(items[::2], items[1::2], strict=True)))
    assert waiting_formats(server.url, shards, Settings(schema)) == found
    assert waiting_formats("redis://localhost:1", shards, Settings(schema)) == READ
    said = Settings(schema, input_format=InputFormat.ROW)
    assert waiting_formats("redis://localhost:1", shards, said) == (InputFormat.ROW,)


def encoded(kind, schema, make_rows):
    return INPUTS[InputFormat(kind)](schema).encode(*make_rows(2))


def test_a_companion_ends_with_its_block(monkeypatch):
    monkeypatch.setattr(beside, "_CALL", "import time; time.sleep(600)")
    with Companion() as companion:
        companion.begin([InputFormat.ROW], **PLAIN | {"nullable": True})
        process = companion._process
        assert process.args[-2:] == ["row", "nulls"]
        assert process.poll() is None
    assert process.returncode is not None


def test_no_companion_is_begun_behind_its_block():
    with Companion() as companion:
        pass
    companion.begin(READ, **PLAIN)  # by a thread that compiles, which a stop has left
    assert companion._process is None


def test_a_companion_that_is_done_is_no_zombie(monkeypatch, wait_for):
    monkeypatch.setattr(beside, "_CALL", "")
    with Companion() as companion:
        companion.begin(READ, **PLAIN)
        wait_for(lambda: companion._process.returncode == 0)  # without being asked


KILLED = """
import signal
from stream.worker import companion

companion.subprocess.DEVNULL = None  # the test hears whether it lives by what it shares with it
companion._CALL = companion._CALL.replace("c.compile", "import time; print('compiles', flush=True); time.sleep(600) #")
one = companion.Companion()
one.begin((), nullable=False, kept=False, cells=True, weighed=False, hardens=False)
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
        companion.begin(READ, **PLAIN)


def test_the_start_of_a_worker_imports_no_pandas():
    assert subprocess.run([sys.executable, "-c", NO_PANDAS], check=False).returncode == 0
