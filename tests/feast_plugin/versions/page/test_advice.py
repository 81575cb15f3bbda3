"""Advice on a page, and in what is shown of a version."""

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner
from comparisons import comparison

from feast_plugin.cli import snapshot
from feast_plugin.versions.page.advice import with_advice
from resampler.errors import CorruptStateError
from resampler.ledger import Ledger
from resampler.runs.advice import STEP, keep
from resampler.runs.latest import newest
from resampler.training_set import open_version


@pytest.fixture
def advised(project):
    made = project.create()
    version = open_version("pay", root=str(project.root))
    return made, version, keep(version, comparison(), 1.25)


def run(*arguments):
    return CliRunner().invoke(snapshot, list(map(str, arguments)), catch_exceptions=False)


def test_it_stands_behind_what_was_found(advised):
    made, _version, kept = advised
    page = (Path(made.uri) / "report.html").read_bytes()
    longer = with_advice(page, kept)
    assert longer == with_advice(page, kept)
    before, _, after = longer.partition(b"<h2>Is a remedy for the rare class worth it?</h2>")
    assert b"With histogram boosting use smote + enn; otherwise do not resample." in after
    assert b"<h2>Rows</h2>" in after
    assert before + after[after.index(b"<h2>Rows</h2>") :] == page
    with pytest.raises(CorruptStateError, match="holds no comparison"):
        with_advice(page, dataclasses.replace(kept, details={}))


def test_names_of_columns_are_escaped(advised):
    made, _, kept = advised
    bad = comparison(notes=("<script>alert(1)</script>",)).to_dict()
    page = with_advice((Path(made.uri) / "report.html").read_bytes(), dataclasses.replace(kept, details=bad))
    assert b"<script>alert" not in page


def test_the_ledger_knows_it_by_the_rows_of_the_version(advised):
    _, version, kept = advised
    assert newest(version.home, version.digest, STEP) == kept
    assert newest(version.home, "0" * 64, STEP) is None
    assert (kept.outcome, kept.subject, kept.seconds) == ("pass", "pay version 1", 1.25)
    later = keep(version, comparison(), 2.0)
    assert newest(version.home, version.digest, STEP) == later
    assert later.key == kept.key


def test_show_and_report_say_it(project, advised, tmp_path):
    made, _version, kept = advised
    where = ["--root", project.root, "--name", "pay"]
    shown = run("show", *where).output
    assert f"  Use smote + enn ({kept.at[:10]})\n" in shown
    out = tmp_path / "page.html"
    said = run("report", *where, "--output", out).output
    assert said == f"{out}: as the version stores it, and the advice of {kept.at[:10]}\n"
    assert out.read_bytes() == with_advice((Path(made.uri) / "report.html").read_bytes(), kept)


def test_without_advice_the_page_is_the_stored_one(project, tmp_path):
    made = project.create()
    out = tmp_path / "page.html"
    said = run("report", "--root", project.root, "--name", "pay", "--output", out).output
    assert said == f"{out}: as the version stores it\n"
    assert out.read_bytes() == (Path(made.uri) / "report.html").read_bytes()
    assert "advice  " not in run("show", "--root", project.root, "--name", "pay").output


def test_a_damaged_ledger_hides_nothing_else(project, advised):
    _, version, _ = advised
    for file in Path(Ledger(version.home / "ledger").directory.path).iterdir():
        file.write_text("{")
    shown = run("show", "--root", project.root, "--name", "pay")
    assert shown.exit_code == 0
    assert "runs         not known: " in shown.output
    assert "is no run of a ledger" in shown.output
