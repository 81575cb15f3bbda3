"""`CHECKS`: one entry a check, in the order in which they are asked."""

from __future__ import annotations

from resampler.quality.checks import classes, columns, detection, leaks, near, outcome, related

CHECKS = {
    check.name: check
    for family in (classes, leaks, columns, related, near, outcome, detection)
    for check in family.CHECKS
}
