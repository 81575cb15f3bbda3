"""`resampler audit show`: a sample for people, and as JSON."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from feast_plugin import create_snapshot
from resampler.commands.audit import audit


@pytest.fixture
def catalog(tmp_path):
    rng = np.random.default_rng(0)
    fraud = (np.arange(120) % 5 == 0).astype(np.int64)
    table = pa.table({"id": np.arange(120), "a": rng.random(120), "b": rng.random(120) + fraud, "fraud": fraud})
    common = {"entity_df": table, "label": "fraud", "join_keys": ["id"], "ratio": 0.5}
    create_snapshot(tmp_path / "cat", name="pay", audit_sample=3, audit_redact="a", **common)
    create_snapshot(tmp_path / "cat", name="none", **common)
    return str(tmp_path / "cat")


def run(catalog, *words):
    done = CliRunner().invoke(audit, ["show", "--catalog", catalog, *words], standalone_mode=False)
    return done.output if done.exception is None else done.exception


def test_show(catalog):
    out = run(catalog, "--snapshot", "pay:1")
    said = "pay version 1: 3 synthetic rows beside the parents, as sensitive as the real rows; left out: a\n"
    assert out.startswith(said)
    assert out.count("of the way from its base (row ") == 3
    rows = [json.loads(line) for line in run(catalog, "--snapshot", "pay", "--lines").splitlines()]
    said = json.loads(run(catalog, "--snapshot", "pay", "--json"))
    assert said == {"name": "pay", "version": 1, "redacted": ["a"], "rows": rows}


def test_what_cannot_be_shown_is_one_line(catalog, tmp_path):
    def refused(*words):
        error = run(catalog, *words)
        return error.exit_code, str(error)

    code, said = refused("--snapshot", "none")
    assert (code, said.startswith("none version 1 has no audit sample: create it with --audit-sample N")) == (1, True)
    assert refused("--snapshot", "pay", "--lines", "--json") == (
        2,
        "give --lines or --json, not both: a row a line, or one object",
    )
    file = tmp_path / "cat" / "pay" / "audit" / "v0001.jsonl"
    file.write_bytes(file.read_bytes()[:-9])
    assert "has other bytes than were written" in refused("--snapshot", "pay")[1]
    file.unlink()
    assert "cannot be read (FileNotFoundError)" in refused("--snapshot", "pay")[1]
