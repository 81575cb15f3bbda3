"""Advice on a page: what was found out about a version after its page was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from resampler.errors import CorruptStateError
from resampler.quality.comparison.comparison import Comparison
from resampler.quality.comparison.printing import behind, headline

if TYPE_CHECKING:
    from resampler.ledger import Run

BEFORE = b"<h2>Rows</h2>"
SECTION = """\
<h2>Is a remedy for the rare class worth it?</h2>
<p><b>{{ headline }}</b> {{ sentence }}</p>
<p class="dim">Measured {{ at }} by <code>resampler advise</code>, after this page was made.</p>
<div class="scroll"><pre>{{ lines }}</pre></div>

"""


def with_advice(page: bytes, run: Run) -> bytes:
    """Set advice on a page, behind what was found.

    Parameters
    ----------
    page : bytes
        As the version stores it.
    run : Run
        The advice, of the ledger.

    Returns
    -------
    bytes
        HTML; the same for the same page and run.

    Raises
    ------
    CorruptStateError
        If the run does not hold a comparison.
    """
    try:
        found = Comparison.from_dict(run.details)
        lines = behind(found)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptStateError(
            f"the advice of {run.at} on {run.subject} holds no comparison: {error!r}: run `resampler advise` again"
        ) from error
    section = jinja2.Environment(autoescape=True).from_string(SECTION)
    said = found.recommendation
    text = section.render(headline=headline(said), sentence=said.sentence, at=run.at[:10], lines="\n".join(lines))
    return page.replace(BEFORE, text.encode() + b"\n" + BEFORE, 1)
