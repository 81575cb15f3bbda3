"""A line of an audit of privacy on a page: what was found out about a version after its page was drawn."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from feast_plugin.versions.page.advice import BEFORE
from resampler.runs.privacy.kept import in_words

if TYPE_CHECKING:
    from resampler.ledger import Run


def with_audit(page: bytes, run: Run) -> bytes:
    """Set what an audit said on a page, behind what was found.

    Parameters
    ----------
    page : bytes
        As the version stores it.
    run : Run
        The audit, of the ledger.

    Returns
    -------
    bytes
        HTML; the same for the same page and run.
    """
    line = (
        f"<h2>What do the synthetic rows give away?</h2>\n<p><b>{escape(in_words(run))}</b></p>\n"
        '<p class="dim">Measured by <code>resampler audit privacy</code>, after this page was made; '
        "<code>--json</code> has the figures.</p>\n\n"
    )
    return page.replace(BEFORE, line.encode() + BEFORE, 1)
