"""Rules and routes on a clock that runs faster: every span of time that they name is divided by one factor.

Prometheus has a resolution of a millisecond, so at a factor of 60 a day of waiting is 24 minutes, an hour a minute and
a scrape every 15 seconds one every 250 ms, and nothing else about a rule changes: ratios, thresholds of rows and labels
stay. What a program does by its own clock (a lease of seconds, a pause before it connects again) is not scaled.
"""

from __future__ import annotations

import math
import re

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_SPAN = re.compile(rf"\[({_DURATION})(?::({_DURATION})?)?\]|\b(offset)\s+(-?)({_DURATION})")
# Times in seconds, written as a product: ``time() - resampler_last_commit_timestamp_seconds > 5 * 60``.
_SECONDS = re.compile(r"(?<![\w.])(\d+(?: \* \d+)*) \* (60|3600|86400)\b")


def duration_ms(text):
    """Return a duration of Prometheus (``1h30m``) in milliseconds."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    assert "".join(n + unit for n, unit in parts) == text, f"{text!r} is no duration"
    return sum(int(n) * _MS[unit] for n, unit in parts)


def scaled_duration(text, factor):
    """Return a duration that is `factor` times shorter; at least a millisecond, unless it was none."""
    ms = duration_ms(text)
    return f"{max(1, round(ms / factor))}ms" if ms else "0s"


def scaled_expr(expr, factor):
    """Return PromQL with shorter windows and offsets, and less seconds where they are written ``N * 60``."""

    def span(found):
        window, step, offset, sign, shift = found.groups()
        if offset:
            return f"offset {sign}{scaled_duration(shift, factor)}"
        inner = ":" + (scaled_duration(step, factor) if step else "") if ":" in found.group() else ""
        return f"[{scaled_duration(window, factor)}{inner}]"

    def seconds(found):
        numbers = [*found.group(1).split(" * "), found.group(2)]
        return f"{math.prod(map(int, numbers)) / factor:g}"

    return _SECONDS.sub(seconds, _SPAN.sub(span, expr))


def scaled_rules(document, factor):
    """Return a file of rules on the faster clock; a rate per second stays one per real second."""
    groups = []
    for group in document["groups"]:
        rules = []
        for rule in group["rules"]:
            rules.append(rule | {"expr": scaled_expr(str(rule["expr"]), factor)})
            if "for" in rule:
                rules[-1]["for"] = scaled_duration(rule["for"], factor)
        groups.append(group | {"rules": rules})
        if "interval" in group:
            groups[-1]["interval"] = scaled_duration(group["interval"], factor)
    return document | {"groups": groups}


def scaled_route(route, factor):
    """Return a route of Alertmanager, and those below it, on the faster clock."""
    waits = {
        name: scaled_duration(route[name], factor)
        for name in ("group_wait", "group_interval", "repeat_interval")
        if name in route
    }
    below = {"routes": [scaled_route(inner, factor) for inner in route["routes"]]} if "routes" in route else {}
    return route | waits | below
