"""Tasks on engine inline."""

from __future__ import annotations

from engine_suite import EngineSuite, StartsSuite


class TestInline(EngineSuite):
    engine = "inline"
    has_workers = False


class TestInlineStarts(StartsSuite):
    engine = "inline"
    workers = ()
