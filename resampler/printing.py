"""Words in columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "
_ESCAPED = {code: repr(chr(code))[1:-1] for code in (*range(32), 127, *range(128, 160), 0x2028, 0x2029)}


def aligned(rows: Sequence[Sequence[str]], header: Sequence[str] = (), right: Sequence[str] = ()) -> list[str]:
    """Set rows in columns.

    Parameters
    ----------
    rows : sequence of sequences of str
        Of one length.
    header : sequence of str
        Names of the columns; a column that is empty in every row is left out with its name.
    right : sequence of str
        Names of the columns that end at one place, as numbers do.

    Returns
    -------
    list of str
        Lines, the names first where there are some.
    """
    if not rows:
        return []
    kept = [j for j in range(len(rows[0])) if any(row[j] for row in rows)]
    table = [[plain(row[j]) for j in kept] for row in ([header, *rows] if header else rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    ends = [bool(header) and header[j] in right for j in kept]
    return [
        GAP.join(
            cell.rjust(width) if end else cell.ljust(width) for cell, width, end in zip(row, widths, ends, strict=True)
        ).rstrip()
        for row in table
    ]


def plain(text: str) -> str:
    """Write text of a file so that it can neither break a line nor command a terminal.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        With control characters as Python escapes them.
    """
    return text.translate(_ESCAPED)


def share(value: float) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    value : float
        From 0 to 1.

    Returns
    -------
    str
        With as many digits as it needs: what is above nothing is never written as nothing.
    """
    percent = 100 * value
    if 0 < percent < 100 and not 0.05 <= percent <= 99.95:
        return f"{percent:.2g} %" if percent < 50 else f"{percent:.6g} %"
    return f"{percent:.1f} %"


def plural(n: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    Parameters
    ----------
    n : int
        How many.
    one, many : str
        The noun for one, and for others; by default with an s.

    Returns
    -------
    str
        ``1 row``, ``1,200 rows``.
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
