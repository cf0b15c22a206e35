"""The report's plots, as SVG that stands inside a page: light, and the same bytes every time."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from motionrgbd.training.evaluation.metrics import Indices, Reliability

INK, MUTED, ACCENT, WARM, RULE = "#1d2733", "#66727f", "#2f6f9f", "#c8553d", "#d9dee4"
_NAMED_AT_MOST = 64  # classes: beyond, names would not be readable
_COUNTED_AT_MOST = 40
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and sharp at any size
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": RULE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


@mpl.rc_context(STYLE)
def confusion_svg(
    confusion: Indices, classes: Sequence[str], answers: Sequence[str], name: str = "confusion"
) -> str:
    """Return the confusion matrix (C, A), each row as shares of its clips; answers left to right.

    Blue is right, red is wrong; shades grow with the root of the share, so that single clips show.
    Up to 40 classes the clips are counted in the cells, up to 64 classes are named.
    name: begins the plot's ids, which must differ within a page.
    """
    used = [a for a in range(len(answers)) if a < len(classes) or confusion[:, a].any()]
    counts = confusion[:, used]
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    rows, columns = counts.shape
    named = max(rows, columns) <= _NAMED_AT_MOST
    longest = max(len(name) for name in answers) if named else 0
    cell = 0.27 if named else 8.4 / rows  # inches
    margin = 0.35 + 0.062 * longest if named else 0.5
    size = (margin + cell * columns + 0.1, margin + cell * rows + 0.45)
    figure = Figure(figsize=size)
    axis = figure.add_axes(
        (margin / size[0], 0.45 / size[1], cell * columns / size[0], cell * rows / size[1])
    )
    frame = (0.5, columns + 0.5, rows + 0.5, 0.5)  # classes are numbered from 1
    axis.imshow(_shades(shares), aspect="auto", extent=frame, interpolation="nearest")
    if named:
        _name_cells(axis, counts, shares, [answers[a] for a in used])
    else:
        axis.set_ylabel("true class, by number")
        axis.xaxis.tick_top()
    axis.set_xlabel("answer" if named else "answer, by number")
    axis.tick_params(length=0)
    axis.spines[:].set_visible(not named)
    return figure_svg(figure, name)


@mpl.rc_context(STYLE)
def reliability_svg(diagram: Reliability) -> str:
    """Return accuracy by confidence, what was promised, and how many clips there are of each."""
    figure = Figure(figsize=(5.2, 4.6))
    top, below = figure.subplots(2, height_ratios=(4, 1), sharex=True)
    figure.subplots_adjust(left=0.12, right=0.97, top=0.9, bottom=0.11, hspace=0.08)
    top.plot((0, 1), (0, 1), color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
    for b in diagram.bins:
        width, middle = b.high - b.low, (b.low + b.high) / 2
        below.bar(middle, b.count, width * 0.88, color="#b9c4cf")
        if b.accuracy is None or b.confidence is None:
            continue
        top.bar(middle, b.accuracy, width * 0.88, color=ACCENT, zorder=2)
        top.hlines(b.confidence, b.low, b.high, color=WARM, lw=2.5, zorder=3)
    top.text(0, 1.05, f"ECE {100 * diagram.ece:.1f} %", fontsize=13)
    top.text(1, 1.05, "bars: what was right; red: what was promised", ha="right", color=MUTED)
    top.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that was right")
    below.set(xlabel="confidence: probability of the best answer", ylabel="clips")
    below.set_ylim(0, 1.15 * max(b.count for b in diagram.bins))
    for axis in (top, below):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color=RULE, lw=0.5)
        axis.set_axisbelow(True)
        axis.tick_params(length=0)
    return figure_svg(figure, "reliability")


def _name_cells(
    axis: Axes, counts: Indices, shares: NDArray[np.float64], answers: Sequence[str]
) -> None:
    rows, columns = counts.shape
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("bottom")
    axis.set_xticks(range(1, columns + 1), answers, rotation=90)
    axis.set_yticks(range(1, rows + 1), answers[:rows])
    axis.set_xticks(np.arange(columns + 1) + 0.5, minor=True)
    axis.set_yticks(np.arange(rows + 1) + 0.5, minor=True)
    axis.grid(which="minor", color=RULE, lw=0.5)
    axis.tick_params(which="both", length=0)
    if rows > _COUNTED_AT_MOST:
        return
    for r, c in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[r, c] > 0.3 else INK
        text = str(counts[r, c])
        axis.text(c + 1, r + 1, text, ha="center", va="center", fontsize=8, color=colour)


def _shades(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colours (C, A, 3) of a confusion matrix: white to blue if right, to red if wrong."""
    rows, columns = shares.shape
    right = np.equal.outer(np.arange(rows), np.arange(columns))[..., None]
    full = np.where(right, to_rgb(ACCENT), to_rgb(WARM))
    return np.asarray(1 + np.sqrt(shares)[..., None] * (full - 1))


def figure_svg(figure: Figure, name: str) -> str:
    """Return a figure as an <svg> element whose ids are its own."""
    FigureCanvasSVG(figure)
    file = io.StringIO()
    # the salt makes ids the same every time, and no date is written
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    return re.sub(r'( id="|url\(#|href="#)', rf"\1{name}-", text)
