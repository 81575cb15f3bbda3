"""Rules of Prometheus, as its own files and for its operator."""

from __future__ import annotations

from typing import Any

import yaml

from resampler.monitoring.alerts import FAMILIES
from resampler.monitoring.recordings import RECORDINGS

# Where people read the runbooks: the address of `docs/runbooks` of the repository or a copy of it, with an end slash.
RUNBOOKS = "docs/runbooks/"
HEAD = "# Written by `make deploy` from resampler/monitoring: change it there.\n"


def files() -> dict[str, str]:
    """Return the text of each file, by its path in `deploy`."""
    return {
        "prometheus/recordings.yaml": _text(recordings()),
        "prometheus/alerts.yaml": _text(alerts()),
        "kubernetes/prometheusrule.yaml": _text(prometheus_rule()),
    }


def recordings() -> dict[str, Any]:
    """Return the recording rules, as Prometheus loads them."""
    return {"groups": [{"name": "resampler-recordings", "rules": [_recording(rule) for rule in RECORDINGS]}]}


def alerts() -> dict[str, Any]:
    """Return the alerts, as Prometheus loads them."""
    return {
        "groups": [
            {"name": f"resampler-{family}", "rules": [_alert(rule) for rule in rules]}
            for family, rules in FAMILIES.items()
        ]
    }


def prometheus_rule() -> dict[str, Any]:
    """Return all rules as a manifest for the Prometheus operator; label it as your operator selects rules."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "resampler", "labels": {"app.kubernetes.io/name": "resampler"}},
        "spec": {"groups": [*recordings()["groups"], *alerts()["groups"]]},
    }


def _recording(rule: Any) -> dict[str, Any]:
    return {"record": rule.name, "expr": rule.expr}


def _alert(rule: Any) -> dict[str, Any]:
    return {
        "alert": rule.name,
        "expr": rule.condition,
        **({"for": rule.lasting} if rule.lasting else {}),
        "labels": {
            "severity": rule.severity,
            "dataset": f"{{{{ $labels.{rule.subject} }}}}",
            "kind": "{{ $labels.kind }}" if rule.subject == "dataset" else rule.subject,
        },
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook_url": f"{RUNBOOKS}{rule.runbook}",
        },
    }


class _Dumper(yaml.SafeDumper):
    """In the order given, without anchors, and with PromQL of several lines as it is."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class calls it
        """Write equal things out."""
        return True


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def _text(data: Any) -> str:
    return HEAD + yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
