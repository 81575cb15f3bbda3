"""Items about alerts: whether Prometheus has them, and whom they reach."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from functools import partial
from http.client import HTTPException
from typing import TYPE_CHECKING

from resampler.address import request_to, without_secrets
from resampler.doctor.item import FAIL, PASS, UNKNOWN, Answer, Item
from resampler.errors import ResamplerError
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.recordings import RECORDINGS
from resampler.printing import plural
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HTTP = ("http://", "https://")
TIMEOUT_S = 5.0  # of each step of a connection
LIMIT_S = 10.0  # of an item: a server may send a byte now and then
_SHOWN = 5


def _bounded(ask: Callable[[Any], Answer], asked: Any) -> Answer:
    """Ask for `LIMIT_S` at most; what still hangs ends with the process."""
    answers: list[Answer] = []
    errors: list[Exception] = []

    def _ask() -> None:
        try:
            answers.append(ask(asked))
        except Exception as error:  # raised by who waits
            errors.append(error)

    asking = threading.Thread(target=_ask, daemon=True)
    asking.start()
    asking.join(LIMIT_S)
    if errors:
        raise errors[0]
    if not answers:
        raise ResamplerError(f"its server has not answered in full within {LIMIT_S:g} s")
    return answers[0]


def _loaded(asked: Any) -> Answer:
    groups = _get(asked.prometheus, "rules")["groups"]
    found = {rule["name"]: rule for group in groups for rule in group["rules"]}
    wanted = [*ALERTS, *(rule.name for rule in RECORDINGS)]
    if missing := [name for name in wanted if name not in found]:
        return Answer(FAIL, f"{len(missing)} of {len(wanted)} rules are not loaded: {_some(missing)}")
    if broken := [name for name in wanted if found[name].get("health") == "err"]:
        return Answer(FAIL, f"rules that Prometheus cannot evaluate: {_some(broken)}")
    return Answer(PASS, f"all {len(ALERTS)} alerts are loaded, and what they are made from")


def _reach(asked: Any) -> Answer:
    active = _get(asked.prometheus, "alertmanagers")["activeAlertmanagers"]
    if not active:
        return Answer(FAIL, "Prometheus sends alerts nowhere")
    return Answer(PASS, f"Prometheus sends alerts to {plural(len(active), 'Alertmanager')}")


def _scraped(asked: Any) -> Answer:
    names = []
    if asked.version is not None:
        names.append(f"resampler_ledger_read_timestamp_seconds{{snapshot={_quoted(asked.version.name)}}}")
    if asked.stream is not None:
        names.append(f"resampler_worker_info{{stream={_quoted(asked.stream)}}}")
    if not names:
        return Answer(UNKNOWN, "not looked at: give --snapshot NAME or --stream NAME, whose metrics to look for")
    if missing := [name for name in names if not _get(asked.prometheus, "query", query=name)["result"]]:
        return Answer(FAIL, f"Prometheus has no {' and no '.join(missing)}")
    return Answer(PASS, f"Prometheus has {' and '.join(names)}")


def _quoted(name: str) -> str:
    """Write a name as a string of PromQL, which escapes as Go and JSON do."""
    return json.dumps(name, ensure_ascii=False)


def _runbooks(asked: Any) -> Answer:
    base = asked.runbooks.rstrip("/")
    if missing := [alert.name for alert in ALERTS.values() if not _is_there(base, alert.runbook)]:
        return Answer(FAIL, f"{len(missing)} of {len(ALERTS)} runbooks are not there: {_some(missing)}")
    return Answer(PASS, f"all {len(ALERTS)} runbooks are there")


def _is_there(base: str, name: str) -> bool:
    if not base.startswith(HTTP):
        return (Location.parse(base) / name).exists()
    try:
        with _opened(f"{base}/{name}") as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        with error:
            return False


def _get(server: str, what: str, **query: str) -> Any:
    """Ask Prometheus."""
    if not server.startswith(HTTP):
        raise ResamplerError("--prometheus must be a URL such as http://localhost:9090")
    url = f"{server.rstrip('/')}/api/v1/{what}?{urllib.parse.urlencode(query)}"
    try:
        with _opened(url) as answer:
            return json.load(answer)["data"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = getattr(error, "reason", None) or error
        raise ResamplerError(
            f"{without_secrets(server)} does not answer as Prometheus does ({why}): start it, or correct --prometheus"
        ) from error


def _opened(url: str) -> Any:
    """Ask a server."""
    try:
        return urllib.request.urlopen(request_to(url), timeout=TIMEOUT_S)  # noqa: S310 - callers ask for HTTP
    except (HTTPException, ValueError) as error:  # no URL, or no answer of HTTP
        raise OSError(type(error).__name__) from error


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


ITEMS = (
    Item(
        "alerts-loaded",
        "production",
        "Has Prometheus loaded all alerts, and can it evaluate them?",
        "Load `deploy/prometheus/alerts.yaml` and `recordings.yaml`: `rule_files`, or the PrometheusRule.",
        ("prometheus",),
        partial(_bounded, _loaded),
    ),
    Item(
        "alertmanager-reached",
        "production",
        "Does Prometheus reach an Alertmanager?",
        "Name one under `alerting` in Prometheus' configuration; an example is `deploy/alertmanager`.",
        ("prometheus",),
        partial(_bounded, _reach),
    ),
    Item(
        "metrics-scraped",
        "production",
        "Does Prometheus have the metrics of this snapshot and this stream?",
        "Let it scrape `resampler metrics --port` and the workers, or the textfile that `resampler metrics` writes.",
        ("prometheus",),
        partial(_bounded, _scraped),
    ),
    Item(
        "runbooks-there",
        "production",
        "Has each alert a runbook that can be opened?",
        "Copy `docs/runbooks` to where `runbook_url` of the alerts points.",
        ("runbooks",),
        partial(_bounded, _runbooks),
    ),
)
