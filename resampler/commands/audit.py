"""`resampler audit`: what synthetic rows give away, and what an auditor is shown of them."""

from __future__ import annotations

import click

from resampler.commands.audit_privacy import privacy
from resampler.commands.audit_show import show


@click.group()
def audit() -> None:
    """Ask what synthetic rows give away of real ones."""


audit.add_command(privacy)
audit.add_command(show)
