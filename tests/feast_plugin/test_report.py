"""The page for people: whole, self-contained, and safe whatever the names in the data are."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feast_plugin import rebuild_snapshot, verify_snapshot
from resampler.errors import CorruptStateError


class Page(HTMLParser):
    """Texts of the elements, and the attributes that could load something."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.loads = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "xlink:href", "data", "onload")]

    def handle_data(self, data):
        self.texts.append(data.strip())


def page_of(snapshot):
    return Page((Path(snapshot.uri) / "report.html").read_text(encoding="utf-8"))


def test_it_says_what_the_manifest_says_and_loads_nothing(project):
    snapshot = project.create(feature_service="all", clean="enn")
    page = page_of(snapshot)
    assert not page.loads
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert snapshot.digest in page.texts
    assert {"amount", "score", "visits", "night", "country", "emb", "smotenc", "enn"} <= set(page.texts)
    train = snapshot.manifest.counts["train"]["classes"]
    assert f"{train['1']['synthetic']:,}" in page.texts
    text = " ".join(page.texts)
    assert all(f'get_saved_dataset("{name}")' in text for name in snapshot.datasets.values())
    assert page.tags.count("figure") == 6
    assert page.tags.count("path") == 3 * 4  # one curve a kind of row for each numeric feature


def test_hostile_names_stay_text(make):
    table = make("plain").table
    hostile = "<script>alert(1)</script>"
    country = pa.array(np.where(table["fraud"].to_numpy() == 1, hostile, "CH"), pa.string())
    project = make(table=table.set_column(table.schema.get_field_index("country"), "country", country))
    page = page_of(project.create(feature_service="all"))
    assert "script" not in page.tags
    assert hostile in page.texts


def test_it_is_checked_and_made_again(project):
    snapshot = project.create()
    file = Path(snapshot.uri) / "report.html"
    before = file.read_bytes()
    file.write_bytes(before + b"<!-- touched -->")
    problems = verify_snapshot(project.reopened(), name="pay", root=project.root).problems
    assert [p.split(" has sha256")[0] for p in problems] == ["report.html"]
    with pytest.raises(CorruptStateError, match=r"report\.html must have sha256"):
        project.create()
    made = rebuild_snapshot(project.reopened(), name="pay", root=project.root)
    assert made.restored == ("report.html",)
    assert file.read_bytes() == before
