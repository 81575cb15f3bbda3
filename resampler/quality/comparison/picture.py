"""A comparison as a picture: how far each remedy lies from the reference, with its interval."""

from __future__ import annotations

import io
import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.quality.comparison.printing import apart, basis, headline
from resampler.quality.comparison.scores import measure_of

if TYPE_CHECKING:
    from resampler.quality.comparison.comparison import Comparison

KINDS = (".svg", ".png")
SIDE_BY_SIDE = 3  # measures: the one that decides first
BESIDE = ("average_precision", "f1", "brier", "recall")
WIDTH_IN, ROW_IN, HEAD_IN = 11.0, 0.19, 1.5  # inches: of the picture, of a remedy, of what stands around a panel
CHARACTERS = 150  # of a line across the picture
LEGEND = (
    "Paired difference to nothing with a moved threshold and its 95 % interval: right is better. Filled: the interval "
    "excludes 0. Circle: the learner's own decision; square: threshold moved. Grey band: what luck alone reaches."
)
FROM_LUCK = "0.88"  # grey
STYLE = {
    "svg.hashsalt": "resampler",  # or names of shapes would be drawn by chance
    "svg.fonttype": "none",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "figure.dpi": 150.0,
}


def check_picture(path: str | Path) -> Path:
    """Refuse a picture that cannot be drawn, before anything is measured for it.

    Parameters
    ----------
    path : str or Path
        Of the file.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    InvalidInputError
        If its name does not end in ``.svg`` or ``.png``, or its directory does not exist.
    MissingExtraError
        If matplotlib is not installed.
    """
    file = Path(path)
    if file.suffix not in KINDS:
        raise InvalidInputError(f"--picture {str(path)!r} must end in {' or '.join(KINDS)}")
    if not file.parent.is_dir():
        raise InvalidInputError(f"--picture {str(path)!r}: there is no directory {str(file.parent)!r}: make it first")
    try:
        import matplotlib as mpl  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("a picture needs matplotlib: pip install 'feast-resampler[plots]'") from error
    return file


def draw(found: Comparison, kind: str = ".svg") -> bytes:
    """Draw a comparison.

    Parameters
    ----------
    found : Comparison
        What came of it.
    kind : {".svg", ".png"}
        What to draw.

    Returns
    -------
    bytes
        Of a file; the same whenever it is drawn with one release of matplotlib.

    Notes
    -----
    A row of panels a learner, a column a measure; better is always to the right. A filled mark is a difference whose
    interval excludes 0. The grey band, of the measure that decides, is what luck alone reaches.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    decides = found.asked.measure
    known = {name for one in found.candidates for name, f in one.differences.items() if not math.isnan(f.mean)}
    shown = [decides, *(name for name in BESIDE if name != decides and name in known)][:SIDE_BY_SIDE]
    rows = [len(apart(found, one.name)) for one in found.learners]
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(WIDTH_IN, sum(ROW_IN * n + HEAD_IN for n in rows) + HEAD_IN / 2), layout="constrained")
        FigureCanvasAgg(canvas)
        panels = canvas.subplots(
            len(rows), len(shown), squeeze=False, sharex="col", gridspec_kw={"height_ratios": rows}
        )
        for line, learner in zip(panels, found.learners, strict=True):
            for at, (panel, measure) in enumerate(zip(line, shown, strict=True)):
                _panel(panel, found, learner.name, measure, labelled=at == 0)
                panel.tick_params(axis="x", labelbottom=True)
        for panel, measure in zip(panels[0], shown, strict=True):
            if measure_of(measure).sign < 0:
                panel.invert_xaxis()  # of the whole column
        said = found.recommendation
        head = [headline(said), *textwrap.wrap(said.sentence, CHARACTERS), *textwrap.wrap(basis(found), CHARACTERS)]
        canvas.suptitle("\n".join(head), fontsize=9, x=0.01, ha="left")
        canvas.supxlabel(textwrap.fill(LEGEND, CHARACTERS), fontsize=8, x=0.01, ha="left")
        data = io.BytesIO()
        nothing: dict[str, Any] = {"Date": None, "Creator": None} if kind == ".svg" else {"Software": None}
        canvas.savefig(data, format=kind[1:], metadata=nothing)
    return data.getvalue()


def _panel(panel: Any, found: Comparison, learner: str, measure: str, *, labelled: bool) -> None:
    candidates = [one for one in apart(found, learner) if not one.is_reference]
    sign = measure_of(measure).sign
    names = [f"{one.remedy}{', threshold moved' if one.moved else ''}" for one in candidates]
    for place, one in enumerate(candidates):
        figure = one.differences.get(measure)
        if figure is None or math.isnan(figure.mean):
            continue
        if not math.isnan(figure.low):
            panel.plot([figure.low, figure.high], [place, place], color="0.3", linewidth=1.2, zorder=2)
        filled = "black" if figure.excludes_zero else "white"
        shape = "s" if one.moved else "o"
        panel.plot([figure.mean], [place], shape, color="black", markerfacecolor=filled, markersize=4.5, zorder=3)
    panel.axvline(0, color="black", linewidth=0.8, zorder=1)
    luck = [one.best for one in found.controls if one.learner == learner and one.measure == measure and one.gains]
    if luck:
        panel.axvspan(0, sign * luck[0], color=FROM_LUCK, zorder=0, linewidth=0)
    panel.set_ylim(len(candidates) - 0.5, -0.5)
    panel.set_yticks(range(len(candidates)), names if labelled else [""] * len(candidates))
    panel.tick_params(axis="y", length=0)
    panel.locator_params(axis="x", nbins=5)
    panel.grid(axis="x", color="0.9", linewidth=0.6, zorder=0)
    panel.set_axisbelow(True)
    title = f"{measure_of(measure).name}{' (low is good)' if sign < 0 else ''}"
    panel.set_title(f"{learner}\n{title}" if labelled else title, loc="left", fontsize=9)  # a name may be wide
