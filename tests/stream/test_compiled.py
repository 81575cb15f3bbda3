"""After `resampler warmup` nothing is compiled in the middle of a stream, whatever rows come in and go out.

The cache is filled as the image fills it, and used on a machine of another make, which may not write to it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from image import OTHER_HOST, compiler_environment

pytestmark = pytest.mark.xdist_group("compiled")  # all is compiled once, not once a process

# One worker after the other, each in the way of a process of its own: its input, its output, its rows read back and
# passed through a resampler of the reader's own. What Numba compiled is what it says itself that it compiled.
LIVES = """
import itertools, json, sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba.core import event

from resampler import Feature, FeatureSchema, Label, OnlineResampler
from resampler.secret import SecretKey
from stream import EmbeddedServer, Feed, OutputFormat, Settings, Worker
from stream.redis.connection import connect
from stream.commands.dryrun import dry_run
from stream.redis.entries import Entries
from stream.formats import Decoder
from stream.formats.table import INPUTS
from stream.redis.keys import ShardKeys

class Compilations(event.Listener):
    def __init__(self):
        self.names = []
    def on_start(self, happened):
        self.names.append(str(happened.data["dispatcher"]) + str(happened.data["args"]))
    def on_end(self, happened):
        pass

compilations = Compilations()
RULES = json.loads(sys.argv[1])  # which columns may be null, and what numbers columns keep
rng = np.random.default_rng(0)
N = 64
WORDS, CLASSES = ("red", "green", "blue"), ("bad", "good")
LABELS = {"string": Label("y", "string", CLASSES), "integer": Label("y")}
COLUMNS = {  # an odd and an even number of columns: labels behind the rows are aligned in one of them only
    "numbers": (Feature("a"), Feature("b"), Feature("c")),
    "mixed": (Feature("a"), Feature("c", "string", categorical=True, categories=WORDS)),
}

def entries_of(kind, schema, X, y):
    return [dict(zip(items[::2], items[1::2])) for items in INPUTS[kind](schema).encode(X, y)]

def live(url, client, name, schema, kind, output, parameters):
    X = rng.normal(size=(N, schema.n_features)).astype(np.float32)
    y = (np.arange(N) % 4 == 0).astype(np.int64)
    X[:, -1] = np.arange(N) % 3 if schema.categorical_mask[-1] else X[:, -1]
    X[schema.nullable_mask & (rng.random(X.shape) < 0.3)] = np.nan
    settings = Settings(schema, ratio=1.0, k_neighbors=2, output_format=OutputFormat(output), snapshot_rows=1,
                        **parameters)
    whole = entries_of(kind, schema, X, y)
    for some in (whole[:1], whole, whole + whole):  # one entry, one batch; many
        for fields in some:
            client.xadd(name, fields)
        Worker(url, name, settings, until_idle_s=0.02).run()
        dry_run([(client, ShardKeys(name))], settings)
    with Feed(url, name, idle_s=0.0) as feed:
        batches = list(feed)
    online = OnlineResampler(schema, ratio=1.0, k_neighbors=2)
    at = 0
    for batch in batches[:5]:  # a reader's own resampler: rows that are views of what the server sent
        online.process(batch.X, batch.y, np.arange(at, at + len(batch)))
        at += len(batch)
    assert at and len(batches)
    undecoded = [(b"1-%d" % i, [item.encode() if isinstance(item, str) else item for pair in fields.items()
                 for item in pair]) for i, fields in enumerate(whole)]
    assert len(Decoder(schema).decode(Entries.pack(undecoded)).y) == N  # as redis-py's own parser gives entries

plans = [
    (FeatureSchema(features, label).with_rules(*RULES), kind, output, parameters)
    for kind, output, features, (labels, label) in itertools.product(
        INPUTS, OutputFormat, COLUMNS.values(), LABELS.items()
    )
    for parameters in (({}, {"strategy": "adasyn"}) if output == "packed" and labels == "string" else ({},))
]
plans += [
    (FeatureSchema(COLUMNS["mixed"], LABELS["string"]).with_rules(*RULES), "rows", "packed", parameters)
    for parameters in (
        {"strategy": "borderline"}, {"clean": True}, {"quota": "poisson"}, {"undersample": 0.5}, {"capacity": 2_500},
        {"capacity": 500}, {"capacity": 500, "strategy": "adasyn"}, {"strategy": "geometric"},
        {"strategy": "hardened", "group_size": 5, "small_groups": True, "secret_key": SecretKey(bytes(range(16)))},
    )
]
event.register("numba:compile", compilations)
with EmbeddedServer() as server, connect(server.url) as client, ThreadPoolExecutor(8) as pool:
    lives = [pool.submit(live, server.url, client, f"s{i}", *plan) for i, plan in enumerate(plans)]
    for done in lives:
        done.result()
print(json.dumps({"lives": len(lives), "compiled": compilations.names}))
"""


# Names the kernels that are in no file of the cache; inline ones are part of those that call them.
ABSENT = """
import importlib, json, pkgutil
from pathlib import Path

import resampler.kernels, stream.kernels

absent, found = [], 0
for package in (resampler.kernels, stream.kernels):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        for name, kernel in vars(importlib.import_module(module.name)).items():
            options = getattr(kernel, "targetoptions", None)
            if options is None or options.get("inline") == "always":
                continue
            found += 1
            if kernel.py_func.__module__ == module.name and not Path(kernel._cache._cache_file._index_path).exists():
                absent.append(f"{module.name}.{name}")
print(json.dumps([found, absent]))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return the folder that the image's build would have filled, and the environment in which it is used."""
    folder = tmp_path_factory.mktemp("cache")
    env = {**os.environ, **compiler_environment(), "NUMBA_CACHE_DIR": str(folder), "NUMBA_DISABLE_JIT": "0"}
    warmup = [str(Path(sys.executable).with_name("resampler")), "warmup", "--all"]
    subprocess.run(warmup, env=env, check=True, capture_output=True)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o500 if path.is_dir() else 0o400)
    return folder, env


@pytest.mark.slow
@pytest.mark.parametrize("rules", [[[], {}], [["a", "c"], {}], [["a", "c"], {"a": 0.25}]], ids=["", "nulls", "both"])
def test_nothing_is_compiled_in_mid_stream(rules, cache):
    folder, env = cache
    files = {(path, path.stat().st_mtime_ns) for path in folder.rglob("*.nb[ic]")}
    done = subprocess.run(
        [sys.executable, "-c", OTHER_HOST + LIVES, json.dumps(rules)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == {"lives": report["lives"], "compiled": []}
    assert report["lives"] > 60
    assert {(path, path.stat().st_mtime_ns) for path in folder.rglob("*.nb[ic]")} == files


@pytest.mark.slow
def test_every_kernel_is_compiled_into_an_image(cache):
    _, env = cache
    done = subprocess.run([sys.executable, "-c", ABSENT], env=env, capture_output=True, text=True, check=True)
    found, absent = json.loads(done.stdout)
    assert found > 100
    assert absent == []
