"""Tables in the documentation that are made from the code: options of a record, presets, methods, checks, alerts.

A table stands between ``<!-- options: package.module.Record -->``, ``<!-- settings: package.module.Record -->`` (of a
policy's table), ``<!-- presets -->``, ``<!-- methods -->``, ``<!-- checks -->``, ``<!-- attacks -->``,
``<!-- alerts -->``, ``<!-- metrics: WORKER -->`` (or `LEDGER`) or ``<!-- checklist -->``, and ``<!-- end -->``.
`make tables` writes them.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from resampler.doctor.checklist import items
from resampler.methods.catalog import METHODS, STREAMED
from resampler.monitoring import catalog
from resampler.monitoring.alerts import FAMILIES
from resampler.options import Option, options_of
from resampler.presets import PRESETS, describe
from resampler.quality.checks.catalog import CHECKS
from resampler.quality.privacy.attacks.catalog import ATTACKS

if TYPE_CHECKING:
    from resampler.monitoring.metric import Metric

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs" / "runbooks" / "README.md")
_PRESETS = re.compile(r"(<!-- presets -->\n).*?(<!-- end -->)", re.DOTALL)
_METHODS = re.compile(r"(<!-- methods -->\n).*?(<!-- end -->)", re.DOTALL)
_CHECKS = re.compile(r"(<!-- checks -->\n).*?(<!-- end -->)", re.DOTALL)
_ATTACKS = re.compile(r"(<!-- attacks -->\n).*?(<!-- end -->)", re.DOTALL)
_ALERTS = re.compile(r"(<!-- alerts -->\n).*?(<!-- end -->)", re.DOTALL)
_CHECKLIST = re.compile(r"(<!-- checklist -->\n).*?(<!-- end -->)", re.DOTALL)
_METRICS = re.compile(r"(<!-- metrics: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SETTINGS = re.compile(r"(<!-- settings: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TABLE = re.compile(r"(<!-- options: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(page: str) -> str:
    """Return a page with its tables made anew."""
    page = _PRESETS.sub(lambda found: found[1] + presets() + found[2], page)
    page = _METHODS.sub(lambda found: found[1] + methods() + found[2], page)
    page = _CHECKS.sub(lambda found: found[1] + checks() + found[2], page)
    page = _ATTACKS.sub(lambda found: found[1] + attacks() + found[2], page)
    page = _ALERTS.sub(lambda found: found[1] + alerts() + found[2], page)
    page = _CHECKLIST.sub(lambda found: found[1] + checklist() + found[2], page)
    page = _METRICS.sub(lambda found: found[1] + metrics(getattr(catalog, found[2])) + found[3], page)
    page = _SETTINGS.sub(lambda found: found[1] + settings(resolve_name(found[2])) + found[3], page)
    return _TABLE.sub(lambda found: found[1] + table(resolve_name(found[2])) + found[3], page)


def presets() -> str:
    """Return the Markdown table of the presets of a stream."""
    rows = [f"| `{use}` | `{describe(parameters)}` |" for use, parameters in PRESETS.items()]
    return "\n".join(["| `--for` | Parameters |", "|---|---|", *rows, ""])


def methods() -> str:
    """Return the Markdown table of the catalogue of methods."""
    columns = {"none": "numeric", "vote": "numeric or mixed", "counts": "numeric or mixed", "all": "categorical"}
    rows = [
        f"| `{name}` | {one.summary} | {columns[one.categories]} | {'yes' if name in STREAMED else ''} |"
        for name, one in METHODS.items()
    ]
    return "\n".join(["| Method | How rows are made | Columns | In streams |", "|---|---|---|---|", *rows, ""])


def checks() -> str:
    """Return the Markdown table of the checks before publication."""
    rows = [f"| `{one.name}` | {one.level} | {one.measures} | {one.rule} | {one.remedy} |" for one in CHECKS.values()]
    return "\n".join(["| Check | Level | What it measures | Rule | Remedy |", "|---|---|---|---|---|", *rows, ""])


def attacks() -> str:
    """Return the Markdown table of the attacks of an audit of privacy."""
    rows = [f"| `{one.name}` | {one.summary} | {one.knows} | {one.remedy} |" for one in ATTACKS.values()]
    return "\n".join(["| Attack | What it does | What it has | What lowers it |", "|---|---|---|---|", *rows, ""])


def alerts() -> str:
    """Return the Markdown table of the alerts and their runbooks."""
    rows = [
        f"| [{one.name}]({one.runbook}) | {family} | {one.severity} | {_said(one.summary)} | "
        f"{one.lasting or 'at once'} |"
        for family, found in FAMILIES.items()
        for one in found
    ]
    return "\n".join(["| Alert | Family | Severity | What it says | After |", "|---|---|---|---|---|", *rows, ""])


def _said(summary: str) -> str:
    """Return a summary with the names of its labels in place of their values."""
    return re.sub(r"\{\{[^}]*\$(?:labels\.)?(\w+)[^}]*\}\}", lambda found: found[1].upper(), summary)


def checklist() -> str:
    """Return the Markdown table of what `resampler doctor` looks up."""
    rows = [f"| {one.stage} | `{one.name}` | {one.question} | {one.remedy} |" for one in items().values()]
    return "\n".join(["| Stage | Item | Question | Remedy |", "|---|---|---|---|", *rows, ""])


def metrics(known: dict[str, Metric]) -> str:
    """Return the Markdown table of metrics."""
    rows = [
        f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |"
        for one in known.values()
    ]
    return "\n".join(["| Metric | Kind | Labels | What it says |", "|---|---|---|---|", *rows, ""])


def table(record: type) -> str:
    """Return the Markdown table of the options that a record declares itself."""
    inherited = {one.name for base in record.__mro__[1:] if is_dataclass(base) for one in fields(base)}
    rows = [row(one) for one in options_of(record) if one.name not in inherited]
    return "\n".join(["| Option | Default | Values | What it does |", "|---|---|---|---|", *rows, ""])


def settings(record: type) -> str:
    """Return the Markdown table of what a table of a policy may say."""
    inherited = {one.name for base in record.__mro__[1:] if is_dataclass(base) for one in fields(base)}
    rows = [row(one, f"`{one.name}`") for one in options_of(record) if one.name not in inherited]
    return "\n".join(["| Setting | Default | Values | What it says |", "|---|---|---|---|", *rows, ""])


def row(one: Option, name: str = "") -> str:
    """Return the row of one option."""
    name = name or ", ".join(f"`{flag}`" for flag in one.flags) or f"`{one.name}`, in Python alone"
    if one.rule.kind is bool:
        default = "on" if one.default else "off"
    else:
        default = (
            "none"
            if one.default in (None, ())
            else f"{one.default:,}"
            if type(one.default) is int
            else str(one.default)
        )
    return f"| {name} | {default} | {one.rule.description} | {one.summary} |"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")
