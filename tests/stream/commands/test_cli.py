"""The commands as processes: what they print, where, and what they exit with."""

import contextlib
import json
import os
import re
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from resampler import Feature, FeatureSchema, Label, preset
from resampler.monitoring.catalog import WORKER
from stream import EmbeddedServer
from stream.redis.connection import connect
from stream.redis.keys import ShardKeys
from stream.shard.checkpoint import Checkpoint

RUN = ("run", "--label", "label", "--features", "a,b,c", "--metrics-port", "0")


def test_run_status_export(client, name, make_rows, add_text, call, tmp_path):
    add_text(client, name, *make_rows(300))
    out, _ = call(*RUN, "--stream", name, "--ratio", "0.5", "--until-idle", "0.2", "--json")
    report = json.loads(out)
    assert (report["rows"], report["lag"], report["shards"][0]["owner"]) == (300, 0, None)
    assert report["synthetic"] > 0
    counts = [c["real"] + c["synthetic"] for c in report["shards"][0]["classes"].values()]
    assert report["ratio"] == report["shards"][0]["ratio"] == min(counts) / max(counts) > 0.4
    status, _ = call("status", "--stream", name, "--json")
    assert json.loads(status) == report
    path = tmp_path / "out.parquet"
    out, _ = call("export", "--stream", name, "--to", path, "--json")
    table = pq.read_table(path)
    assert json.loads(out)["rows"] == table.num_rows == report["emitted"]
    assert table.column_names == ["a", "b", "c", "label", "is_synthetic", "row_id", "base_id", "neighbor_id", "step"]
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]


def test_a_contract_with_nulls_and_grids_is_run_and_exported(client, name, call, tmp_path):
    features = [
        Feature("a", grid=0.5),
        Feature("colour", "string", True, ("red", "blue"), nulls="inherit"),
        Feature("n", "int8", nulls="inherit", grid={"step": 1.0, "low": 0.0}),
    ]
    contract = tmp_path / "contract.json"
    contract.write_text(FeatureSchema(tuple(features), Label("label")).to_json())
    for i in range(200):
        row = {"a": i % 7 / 2, "colour": ["red", "blue"][i % 2], "n": i % 11, "label": int(i % 5 == 0)}
        given = {key: value for key, value in row.items() if not (key in ("colour", "n") and i % 3 == 0)}
        client.xadd(name, {"json": json.dumps(given)}, id=f"{i + 1}-0")
    client.xadd(name, {"json": '{"a": null, "colour": "red", "n": 1, "label": 0}'}, id="900-0")
    arguments = ("--contract", contract, "--metrics-port", "0", "--stream", name, "--ratio", "0.9", "--json")
    dry = json.loads(call("run", *arguments, "--dry-run")[0])
    report = json.loads(call("run", *arguments, "--until-idle", "0.2")[0])
    assert [dry[key] for key in ("rows", "synthetic", "rejected")] == [200, report["synthetic"], 1]
    assert report["synthetic"] > 50
    path = tmp_path / "out.parquet"
    call("export", "--stream", name, "--to", path)
    table = pq.read_table(path).to_pylist()
    assert {row["colour"] for row in table} == {"red", "blue", None}
    base = {row["row_id"]: row for row in table}
    for row in table:
        if row["is_synthetic"]:
            assert (row["a"] * 2).is_integer()
            assert row["n"] is None or row["n"].is_integer()
            of = base[row["base_id"]]
            assert [row[key] is None for key in ("colour", "n")] == [of[key] is None for key in ("colour", "n")]


def test_run_takes_every_parameter_of_the_resampler(client, name, make_rows, add_text, call):
    add_text(client, name, *make_rows(300))
    options = ("--strategy", "adasyn", "--clean", "--undersample", "0.3", "--quota", "poisson", "--warmup", "50")
    options += ("--class-ratio", "1=0.9", "--cost", "1=20", "--cost", "0=1.5")
    report = json.loads(call(*RUN, "--stream", name, *options, "--until-idle", "0.2", "--json")[0])
    assert report["emitted"] < report["rows"] + report["synthetic"]
    parameters = Checkpoint.load(client, ShardKeys(name)).parameters
    found = {key: parameters[key] for key in ("strategy", "clean", "undersample", "quota", "warmup")}
    assert found == {"strategy": "adasyn", "clean": True, "undersample": 0.3, "quota": "poisson", "warmup": 50}
    assert (parameters["class_ratio"], parameters["cost"]) == ({"1": 0.9}, {"0": 1.5, "1": 20.0})
    _, err = call(*RUN, "--stream", name, *options[2:], "--until-idle", "0.2", code=1)
    assert "begun with other settings (strategy adasyn -> smote)" in err
    _, err = call(*RUN, "--stream", name, "--strategy", "adaptive", *options[2:], "--until-idle", "0.2")
    assert "Note: --strategy: 'adaptive' is called 'adasyn' now" in err
    assert "Warning" not in err


def test_a_preset_sets_what_is_not_given_and_is_stored_as_its_parameters(
    client, name, make_rows, add_text, call, tmp_path
):
    add_text(client, name, *make_rows(300))
    wanted = preset("online-learning") | {"burst": 8}
    config = tmp_path / "resampler.toml"  # the preset there, and the command line before it
    config.write_text('[stream.run]\nfor = "online-learning"\nburst = 8\n')
    out, err = call(*RUN, "--stream", name, "--until-idle", "0.2", "--json", cwd=tmp_path)
    assert "--for online-learning is --ratio 1 --window 3000 --capacity 200 --burst 32" in err
    assert "given instead --burst 8" in err
    shard = json.loads(out)["shards"][0]
    assert {key: shard["parameters"][key] for key in wanted} == wanted
    assert Checkpoint.load(client, ShardKeys(name)).parameters == shard["parameters"]
    given = [f"--{key}={value}" for key, value in wanted.items()]
    call(*RUN, "--stream", name, *given, "--until-idle", "0.2")  # the name is not part of the stream
    _, err = call(*RUN, "--stream", name, "--for", "collecting", "--until-idle", "0.2", code=1)
    assert "begun with other settings (" in err
    assert "ratio 1.0 -> 0.2, " in err
    assert "; --for collecting is --ratio 0.2 --window 10000 --capacity 10000 --burst 16" in err
    _, err = call(*RUN, "--stream", f"{name}-owed", "--for", "online-learning", "--emit", "owed", "--until-idle", "0.2")
    assert "given instead --emit owed\n" in err  # the preset's advance, which is of `both` alone, goes with it


def test_rows_of_tiny_units_end_the_worker_with_a_line_and_lose_nothing(
    client, name, make_rows, add_text, call, tmp_path
):
    X, y = make_rows(300)
    add_text(client, name, X * 1e-23, y)
    _, err = call(*RUN, "--stream", name, "--ratio", "0.5", "--until-idle", "0.2", code=1)
    assert "must reach 1e-16 units of their features' scale" in err
    assert client.xlen(name) == 300
    again = f"{name}-again"
    add_text(client, again, X * 1e-23, y)
    features = [{"name": n, "scale": 1e-23} for n in "abc"]
    (tmp_path / "contract.json").write_text(json.dumps({"features": features, "label": {"name": "label"}}))
    run = ("run", "--contract", tmp_path / "contract.json", "--metrics-port", "0", "--stream", again)
    report = json.loads(call(*run, "--ratio", "0.5", "--until-idle", "0.2", "--json")[0])
    assert report["rows"] == 300
    assert report["synthetic"] > 0


def test_dry_run_says_what_would_be_and_writes_nothing(client, name, make_rows, add_text, call):
    add_text(client, name, *make_rows(300))
    client.xadd(name, {"a": "x", "b": "1", "c": "1", "label": "0"}, id="900-0")
    before = set(client.scan_iter(f"*{name}*"))
    report = json.loads(call(*RUN, "--stream", name, "--ratio", "0.5", "--dry-run", "--json")[0])
    assert set(client.scan_iter(f"*{name}*")) == before
    real = json.loads(call(*RUN, "--stream", name, "--ratio", "0.5", "--until-idle", "0.2", "--json")[0])
    assert [report[key] for key in ("rows", "synthetic", "rejected")] == [
        real[key] for key in ("rows", "synthetic", "rejected")
    ]
    assert report["reasons"]["unparsable"]["rows"] == 1
    assert "900-0" in report["reasons"]["unparsable"]["example"]


def test_dead_letters_are_listed_and_sent_again(client, name, make_rows, add_text, call):
    add_text(client, name, *make_rows(10))
    client.xadd(name, {"a": "x", "b": "1", "c": "1", "label": "0"}, id="100-0")
    client.xadd(name, {"a": "1", "b": "1", "label": "0"}, id="101-0")
    call(*RUN, "--stream", name, "--until-idle", "0.2")
    listed = json.loads(call("dead-letters", "--stream", name, "--json")[0])
    assert [(letter["id"], letter["reason"]) for letter in listed["dead_letters"]] == [
        ("100-0", "unparsable"),
        ("101-0", "missing_field"),
    ]
    assert listed["dead_letters"][0]["fields"] == {"a": "x", "b": "1", "c": "1", "label": "0"}
    out, _ = call("dead-letters", "--stream", name, "--resubmit", "100-0", "--json")
    assert json.loads(out)["resubmitted"] == 1
    assert client.xrevrange(name, count=1)[0][1][b"a"] == b"x"
    assert [i for i, _ in client.xrange(ShardKeys(name).dead)] == [b"101-0"]
    _, err = call("dead-letters", "--stream", name, "--resubmit", "7-7", code=2)
    assert "no dead letter has ID '7-7'" in err


def test_forget_waits_for_a_worker(client, name, make_rows, add_text, call):
    add_text(client, name, *make_rows(100))
    out, _ = call("forget", "--stream", name, "--row-id", "5-0", "--json")
    assert json.loads(out)["pending"] == 1
    _, err = call("forget", "--stream", name, "--row-id", "5-0", "--wait", "0.05", code=1)
    assert "--wait 0.05 is over and 1 requests wait for a worker" in err
    call(*RUN, "--stream", name, "--until-idle", "0.3")
    assert client.scard(ShardKeys(name).forget) == 0


def test_sigterm_ends_a_worker_within_its_grace_period(client, name, make_rows, add_text, start_cli):
    add_text(client, name, *make_rows(100))
    process = start_cli(*RUN, "--stream", name)
    while not ((stored := Checkpoint.load(client, ShardKeys(name))) and stored.rows):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0  # 1 if its threads took longer than the grace period, whatever else runs here
    assert not client.exists(ShardKeys(name).lease)


def test_sigterm_does_not_wait_for_a_server_that_hangs(name, make_rows, add_text, start_cli):
    with EmbeddedServer() as server:
        with connect(server.url) as client:
            add_text(client, name, *make_rows(100))
            process = start_cli(*RUN, "--stream", name, url=server.url)
            while not ((stored := Checkpoint.load(client, ShardKeys(name))) and stored.rows):
                time.sleep(0.01)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert process.returncode == 1
    # Said of a thread that still waits: had the socket's timeout come first, it would have ended.
    assert re.fullmatch(r"Error: shard .* does not end in time, as Redis .*: left at once, what is not .*\n", err), err


def test_a_password_that_was_typed_is_not_shown_by_ps(start_cli):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://me:s3cret@127.0.0.1:{silent.getsockname()[1]}/0"
        process = start_cli(*RUN, "--stream", "x", "--url", url, url=url)
        silent.accept()  # the command has read its options by now
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"redis://127.0.0.1:" in shown
    assert b"s3cret" not in shown


def test_a_worker_of_other_settings_is_refused_although_it_only_stands_by(
    client, name, make_rows, add_text, call, start_cli
):
    add_text(client, name, *make_rows(100))
    start_cli(*RUN, "--stream", name, "--seed", "1")
    while not ((stored := Checkpoint.load(client, ShardKeys(name))) and stored.rows):
        time.sleep(0.01)
    _, err = call(*RUN, "--stream", name, "--seed", "2", code=1)
    assert "begun with other settings (seed 1 -> 2)" in err


def test_metrics_and_health(client, name, make_rows, add_text, start_cli, free_port):
    add_text(client, name, *make_rows(100))
    arguments = [argument for argument in RUN if argument not in ("--metrics-port", "0")]
    process = start_cli(*arguments, "--stream", name, "--ratio", "0.9", "--metrics-port", free_port)
    wanted = (
        "buffer_recall",
        "neighbor_distance",
        "rows_total",
        "samples_generated_total",
        "synthetic_ratio",
        "buffer_rows",
        "stream_lag_rows",
        "commit_seconds_bucket",
        "batch_latency_seconds_bucket",
        "shard_owned",
    )
    text, deadline = "", time.monotonic() + 60
    while not all(f"resampler_{metric}{{" in text for metric in wanted):
        assert process.poll() is None
        assert time.monotonic() < deadline, text
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics") as reply:
            text = reply.read().decode()
        time.sleep(0.02)
    assert f'stream="{name}"' in text
    families = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    assert families == set(WORKER)
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/healthz") as reply:
        assert reply.read() == b"ok\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("status", "--stream", "x", "--url", "redis://me:secret@127.0.0.1:1/0"),
            1,
            "redis://127.0.0.1:1/0 does not answer",
        ),
        (("status", "--stream", "x", "--url", "junk://x"), 2, "cannot be read"),
        (("run", "--stream", "x"), 2, "--features a,b,c --label y"),
        ((*RUN, "--stream", "x", "--contract", "c.json"), 2, "must be given once"),
        (("run", "--stream", "x", "--contract", "c.json", "--label", "y"), 2, "which names the label too"),
        (("run", "--stream", "x", "--feature-service", "s", "--label", "y"), 2, "--repo go together"),
        (
            ("run", "--stream", "x", "--feature-service", "s", "--repo", "/no", "--label", "y"),
            2,
            "has no feature_store",
        ),
        ((*RUN, "--stream", "x", "--ratio", "2"), 2, "ratio must be in"),
        ((*RUN, "--stream", "x", "--linger-ms", "0"), 2, "linger_ms must be an integer of at least 1"),
        ((*RUN, "--stream", "x", "--start", "yesterday"), 2, "ISO 8601"),
        ((*RUN, "--stream", "x", "--until-idle", "-1"), 2, "--until-idle must be positive"),
        ((*RUN, "--stream", "x", "--until-idle", "nan"), 2, "--until-idle must be positive and finite, got nan"),
        (("run", "--stream", "x", "--features", "a,,b", "--label", "y"), 2, "--features must name a column"),
        ((*RUN, "--stream", ""), 2, "must not be empty"),
        (("run", "--stream", "x", "--contract", "/nowhere.json"), 2, "cannot be read"),
        (("export", "--stream", "x", "--to", "/nowhere/x.parquet"), 2, "directory does not exist"),
        (("export", "--stream", "never-begun", "--to", "x.parquet"), 1, "stream 'never-begun' does not exist"),
        (("status", "--stream", "never-begun"), 1, "stream 'never-begun' does not exist"),
        (("dead-letters", "--stream", "never-begun"), 1, "stream 'never-begun' does not exist"),
        (("forget", "--stream", "x", "--row-id", "?"), 2, "row id '?'"),
        (("forget", "--stream", "x", "--row-id", "5", "--wait", "nan"), 2, "--wait must be 0 or more and finite"),
        (("forget", "--stream", "never-begun", "--row-id", "5"), 1, "stream 'never-begun' does not exist"),
    ],
)
def test_wrong_use_is_one_clear_line(call, arguments, code, message):
    out, err = call(*arguments, code=code)
    assert message in err
    assert "secret" not in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [(*RUN, "--metrics-port", "70000"), (*RUN, "--metrics-port", "-1"), ("dead-letters", "--limit", "-1")]
)
def test_a_number_out_of_range_is_refused(call, arguments):
    _, err = call(*arguments, "--stream", "x", code=2)
    assert f"Invalid value for '{arguments[-2]}'" in err


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000])
def test_a_contract_file_of_other_bytes_is_refused(call, tmp_path, content):
    (tmp_path / "contract.json").write_bytes(content)
    _, err = call("run", "--stream", "x", "--contract", tmp_path / "contract.json", code=1)
    assert "is not JSON" in err


def test_a_key_of_another_type_is_named(client, name, call):
    client.set(name, "text")
    _, err = call(*RUN, "--stream", name, "--until-idle", "0.1", code=1)
    assert f"key '{name}' must be a stream and is a string, which something else wrote" in err
    client.set(ShardKeys(name).checkpoint, "text")
    _, err = call("status", "--stream", name, code=1)
    assert f"key '{ShardKeys(name).checkpoint}' must be a hash" in err
