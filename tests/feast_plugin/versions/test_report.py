"""The page of a version, drawn again from its files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from feast_plugin import create_snapshot, report_snapshot
from feast_plugin.registries import registry_of
from feast_plugin.versions.create import create
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.making.recipe import SENSE, Recipe
from resampler.errors import CorruptStateError
from resampler.secret import SecretKey

FORMAT_1 = Path(__file__).parent / "format1"


def drawn(project, version=None):
    return report_snapshot(name="pay", root=project.root, version=version)


@pytest.mark.parametrize(
    "options", [{}, {"retain": "recipe"}, {"retain": "sample", "clean": "enn", "undersample": 0.4}]
)
def test_it_is_the_page_that_create_wrote(project, options):
    made = project.create(feature_service="all", **options)
    stored = Path(made.uri) / "report.html"
    page = stored.read_bytes()
    assert drawn(project) == page
    stored.unlink()
    assert drawn(project, 1) == page


def test_it_says_nothing_of_rows_that_were_changed(project):
    made = project.create()
    part = Path(made.uri) / "train" / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptStateError, match="rebuild the version first"):
        drawn(project)


def test_a_version_of_the_first_format_has_a_page_that_says_what_it_does_not_know(tmp_path):
    shutil.copytree(FORMAT_1, tmp_path / "pay" / "v0001")
    page = report_snapshot(name="pay", root=tmp_path).decode()
    assert "Not checked: this version was made before rows were checked." in page
    assert "A manifest of format 1: it does not say what was found" in page
    assert "Parents and copies" in page
    assert 'class="plane"' in page


def test_it_says_which_time_a_synthetic_row_has_and_of_an_earlier_version_what_it_said_then(tmp_path, project):
    table = project.table.select(["amount", "score", "fraud"]).append_column("id", [range(project.table.num_rows)])
    given = {"entity_df": table, "label": "fraud", "join_keys": ["id"]}
    untimed = create_snapshot(tmp_path / "plain", name="pay", **given, ratio=0.5)
    registry = registry_of(tmp_path / "plain")
    earlier = create(registry, registry.catalog("pay"), Request(**given), Recipe(ratio=0.5, algorithm=SENSE))
    hardened = project.create(sampler="hardened", secret_key=SecretKey(b"a secret of this test"), ratio=0.9)
    for made, said in (
        (untimed, "</code>).</p>"),
        (earlier, "</code>) and the time of the row it starts from.</p>"),
        (hardened, "</code>) and a time that is drawn about the mean of those of a group of its class.</p>"),
        (project.create(), "</code>) and a time that is drawn among those of the real training rows of its class.</p>"),
    ):
        assert said in (Path(made.uri) / "report.html").read_text(encoding="utf-8")
