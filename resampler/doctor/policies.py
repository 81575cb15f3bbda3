"""Items about the policy: what it must ask for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from resampler.doctor.item import FAIL, PASS, Answer, Item
from resampler.quality.gate.rules import GateRules
from resampler.quality.privacy.rules import PrivacyRules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

BUDGETS = ("max_seconds", "max_memory", "max_rows")
_CREDENTIALS = re.compile(r"\w+://[^/\s@:]*:[^/\s@]+@|[?&](?:password|token|secret|key|sig)=[^&\s]+", re.IGNORECASE)
_REFERENCE = re.compile(r"env:\w+|file:.+|\$\{?\w+\}?")


def _fairness(asked: Any) -> Answer:
    slices = GateRules.of(asked.policy).slices
    if not slices:
        return Answer(FAIL, f"[gate] of {asked.policy.source} has no slices: no group is looked at")
    return Answer(PASS, f"limits hold by {', '.join(slices)}")


def _privacy(asked: Any) -> Answer:
    rules = PrivacyRules.of(asked.policy)
    if rules.is_guide:
        return Answer(FAIL, f"{asked.policy.source} has no limit in [privacy]: audits are held against the usual ones")
    return Answer(PASS, f"limits of {', '.join(rules.limits)}")


def _budget(asked: Any) -> Answer:
    found = [
        f"{table}.{name}"
        for table, values in asked.policy.tables.items()
        for name in values
        if name.replace("-", "_") in BUDGETS
    ]
    if not found:
        return Answer(FAIL, f"{asked.policy.source} sets none of {', '.join(BUDGETS)}")
    return Answer(PASS, f"set: {', '.join(found)}")


def _secrets(asked: Any) -> Answer:
    given = {"--prometheus": asked.prometheus, "--runbooks": asked.runbooks, "--url": asked.url}
    texts = [(option, value) for option, value in given.items() if value is not None]
    if asked.policy is not None:
        texts += [(f"[{name}]", text) for name, table in asked.policy.tables.items() for text in _texts(table)]
    if found := [where for where, text in texts if _CREDENTIALS.search(text) and not _REFERENCE.fullmatch(text)]:
        return Answer(FAIL, f"{', '.join(dict.fromkeys(found))} has a secret in its text")
    return Answer(PASS, "neither the policy nor the options here have a secret in their text")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


ITEMS = (
    Item(
        "fairness-in-policy",
        "pre-production",
        "Does the gate's policy have limits by group?",
        "Add [gate.slices.COLUMN] with `difference`, `ratio` or `worse` for each group that matters.",
        ("policy",),
        _fairness,
    ),
    Item(
        "privacy-in-policy",
        "pre-production",
        "Does the policy say how far attacks may come?",
        "Add [privacy] with `exact`, `near`, `membership_auc`, `tpr` or `named`.",
        ("policy",),
        _privacy,
    ),
    Item(
        "budget-set",
        "production",
        "Do scheduled runs have a budget?",
        "Set `max_seconds`, `max_memory` or `max_rows` in the tables of the steps that a scheduler runs.",
        ("policy",),
        _budget,
    ),
    Item(
        "secrets-by-reference",
        "production",
        "Are secrets named, not written down?",
        "Keep them in environment variables or files, and name these: `RESAMPLER_REDIS_PASSWORD`, `env:NAME`.",
        ("policy",),
        _secrets,
    ),
)
