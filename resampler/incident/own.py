"""`OWN`: what the core knows of an incident, whatever wings are installed."""

from __future__ import annotations

import json
import os
import platform
import sys
import tomllib
import urllib.request
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resampler.address import request_to
from resampler.errors import InvalidInputError, ResamplerError
from resampler.incident.collector import NEWEST, Asked, Collector
from resampler.ledger import FOLDER, Ledger
from resampler.policy import read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resampler.storage import Location

_ANSWER_S = 5.0
_ANSWER_BYTES = 16 << 20
_CONFIG = Path("resampler.toml")
_PREFIXES = (
    "RESAMPLER_",
    "NUMBA_",
    "OMP_",
    "MKL_",
    "FEAST_",
    "MLFLOW_",
    "OPENLINEAGE_",
    "PYTHON",
    "AWS_",
    "TZ",
    "LANG",
)


def _versions(_asked: Asked) -> Mapping[str, Any]:
    found = {str(one.metadata["Name"]): one.version for one in distributions()}
    return {"versions.json": dict(sorted(found.items(), key=lambda item: item[0].lower())) | {"python": sys.version}}


def _machine(_asked: Asked) -> Mapping[str, Any]:
    """Say what runs here; of the environment, which variables are set, never to what."""
    memory = {}
    for line in _read("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree"):
            memory[name] = value.strip()
    return {
        "machine.json": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "model": next((x.partition(":")[2].strip() for x in _cpu() if x.startswith("model name")), ""),
            "processors": os.cpu_count(),
            "load": list(os.getloadavg()),
            "memory": memory,
            "limits": {name: _read(f"/sys/fs/cgroup/{name}").strip() for name in ("memory.max", "cpu.max")},
            "variables": sorted(name for name in os.environ if name.startswith(_PREFIXES)),
        }
    }


def _cpu() -> list[str]:
    return _read("/proc/cpuinfo").splitlines()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_config(path: Path | None) -> dict[str, Any]:
    """Read the configuration file of the command line; comments, which may say anything, are left out.

    Parameters
    ----------
    path : Path or None
        None: the one that the command line reads by itself.

    Returns
    -------
    dict
        Empty where there is none.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not TOML.
    """
    file = path or _CONFIG
    if path is None and not file.is_file():
        return {}
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _config(asked: Asked) -> Mapping[str, Any]:
    config = read_config(asked.config)
    return {"config.json": config} if config else {}


def _policy(asked: Asked) -> Mapping[str, Any]:
    return {"policy.json": dict(read_policy(str(asked.policy)).tables)}


def _scrapes(asked: Asked) -> Mapping[str, Any]:
    return {f"metrics-{i}.txt": _tried(url) for i, url in enumerate(asked.metrics, start=1)}


def _tried(url: str) -> str | Exception:
    try:
        return _get(url)
    except (OSError, ResamplerError) as error:
        return error


def _alerts(asked: Asked) -> Mapping[str, Any]:
    server = str(asked.prometheus).rstrip("/")
    found = {name: json.loads(_get(f"{server}/api/v1/{name}")).get("data") for name in ("alerts", "targets")}
    return {f"prometheus-{name}.json": data for name, data in found.items()}


def _get(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise InvalidInputError("a URL to be read must begin with http:// or https://")
    with urllib.request.urlopen(request_to(url), timeout=_ANSWER_S) as answer:  # noqa: S310 - of HTTP, as was checked
        return str(answer.read(_ANSWER_BYTES).decode(errors="replace"))


def _runs(asked: Asked) -> Mapping[str, Any]:
    """Say what the newest runs came to: figures that are numbers by themselves, no words, which may hold values."""
    found: dict[str, Any] = {}
    for where, ledger in _ledgers(asked):
        runs = []
        for run in ledger.newest():
            numbers = {name: value for name, value in run.details.items() if isinstance(value, int | float)}
            runs.append(
                {"step": run.step, "outcome": run.outcome, "subject": run.subject, "at": run.at, "key": run.key}
                | {"seconds": run.seconds, "numbers": numbers}
            )
            if len(runs) == NEWEST:
                break
        found[where] = runs
    return {"runs.json": found}


def _ledgers(asked: Asked) -> Iterator[tuple[str, Ledger]]:
    if asked.snapshot is not None:
        yield "snapshot", Ledger(_home(asked) / FOLDER)
    if asked.ledger is not None:
        yield "ledger", Ledger(asked.ledger)


def _home(asked: Asked) -> Location:
    from resampler.training_set import open_version

    return open_version(str(asked.snapshot), **asked.place).home


def _ledger_metrics(asked: Asked) -> Mapping[str, Any]:
    from resampler.monitoring import exposition
    from resampler.monitoring.exporter import Exporter

    names = [] if asked.snapshot is None else [asked.snapshot.partition(":")[0]]
    ledgers = [] if asked.ledger is None else [asked.ledger]
    notes: list[str] = []
    text = exposition.as_text(Exporter(ledgers, asked.place, names, notes.append)).decode()
    return {"metrics-ledger.txt": text} | ({"metrics-ledger-notes.txt": "\n".join(notes)} if notes else {})


def _doctor(asked: Asked) -> Mapping[str, Any]:
    from resampler.doctor.checklist import examine
    from resampler.doctor.item import Asked as Examinee
    from resampler.training_set import open_version

    examined = examine(
        Examinee(
            version=None if asked.snapshot is None else open_version(asked.snapshot, **asked.place),
            place=asked.place,
            policy=None if asked.policy is None else read_policy(asked.policy),
            prometheus=asked.prometheus,
            stream=asked.stream,
            url=asked.url,
        )
    )
    return {"doctor.json": [{"item": one.item.name} | one.answer._asdict() for one in examined]}


OWN = (
    Collector("versions", None, _versions),
    Collector("machine", None, _machine),
    Collector("config", None, _config),
    Collector("policy", "policy", _policy),
    Collector("metrics", "metrics", _scrapes),
    Collector("alerts", "prometheus", _alerts),
    Collector("runs", "snapshot", _runs),
    Collector("ledger", "ledger", _runs),
    Collector("ledger metrics", "snapshot", _ledger_metrics),
    Collector("doctor", None, _doctor, timeout_s=60.0),  # it waits for each server that hangs
)
