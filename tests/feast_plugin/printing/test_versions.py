"""`list`, `show` and `create` in words for people."""

from __future__ import annotations

import dataclasses

from feast_plugin.printing.created import created
from feast_plugin.printing.versions import listed, shown, summary
from feast_plugin.versions.files.sensitivity import SENSITIVE
from resampler.quality.finding import Finding


def test_versions_stand_in_columns_and_what_says_nothing_is_left_out(project):
    first = project.create(feature_service="all", missing="complete")
    second = project.create(feature_service="all", missing="complete", clean="tomek", undersample=0.3, seed=2)
    lines = listed([first.manifest, second.manifest], {("pay", 2): ["prod"]})
    assert "group by" not in lines[0]
    at = {name: lines[0].index(name) for name in ("created", "sampler", "clean", "split", "digest", "aliases")}
    assert lines[1][at["digest"] :].split()[0] == first.digest[:12]
    assert lines[2][at["clean"] :].split()[0] == "tomek"
    assert lines[2][at["aliases"] :] == "prod"
    assert summary(first.manifest)["reached"] == first.manifest.reached

    text = "\n".join(shown(second.manifest, second.uri))
    assert second.digest in text
    left_out = second.manifest.left_out.rows
    held = sum(entry.real for entry in second.manifest.splits.values())
    assert f"{400 - held - left_out:,} training rows were left out by undersampling" in text
    assert f"{left_out} real training row" in text
    assert all(file.path in text for file in second.manifest.checked)


def test_create_says_classes_parents_findings_and_where_the_page_is(project):
    made = project.create()
    found = Finding("copies", "note", "172 copies a parent", "at most 20", "gather rows", columns=("weight",))
    told = dataclasses.replace(made, manifest=dataclasses.replace(made.manifest, findings=[found.to_dict()]))
    lines = created(told)
    train = made.manifest.counts["train"]["classes"]["1"]
    of_class = ["1", str(train["real"]), str(train["synthetic"]), f"{made.manifest.reached:.3g}"]
    assert of_class in [line.split() for line in lines]
    assert f"  {train['synthetic']} synthetic rows of class 1 from" in "\n".join(lines)
    assert "  findings: 1 note" in lines
    assert f"    {found}" in lines
    assert [line for line in lines if line.endswith(f"{made.uri}/report.html")]
    assert [line for line in lines if line.endswith(SENSITIVE)]
    allowed = dataclasses.replace(found, allowed=True).to_dict()
    assert "1 allowed" in listed([dataclasses.replace(made.manifest, findings=[allowed])])[1]
    assert "not checked" in listed([dataclasses.replace(made.manifest, format=3)])[1]


def test_how_well_rows_are_told_is_said_where_the_rule_is_kept_too(project):
    made = project.create(ratio=0.6)
    told = {"1": {"area": 0.514, "low": 0.49, "high": 0.53, "control": 0.48}}
    manifest = dataclasses.replace(made.manifest, notes=made.manifest.notes | {"detectability": told}, findings=[])
    said = "detectability of class '1': area under the curve 0.51 (0.49 to 0.53; real rows against real ones 0.48)"
    for lines in (shown(manifest, made.uri), created(dataclasses.replace(made, manifest=manifest))):
        (line,) = [line.strip() for line in lines if "detectability" in line]
        assert line == said
    found = Finding("detectability", "note", "area 0.7", "at most 0.6", "use grids", label="1").to_dict()
    lines = shown(dataclasses.replace(manifest, findings=[found]), made.uri)
    assert ["area 0.7" in line for line in lines if "detectability" in line] == [True]
