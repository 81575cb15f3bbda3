"""All generated files, by path."""

from __future__ import annotations

from pathlib import Path

from deploy.generate import grafana, prometheus

ROOT = Path(__file__).parents[1]
KINDS = (grafana, prometheus)  # modules with a function `files`


def files() -> dict[str, str]:
    """Return the text of each generated file, by its path in `deploy`."""
    return {path: text for kind in KINDS for path, text in kind.files().items()}
