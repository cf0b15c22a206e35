"""The benchmark's plots, as SVG that stands inside a page."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from motionrgbd.training.evaluation.plots import ACCENT, INK, MUTED, RULE, STYLE, WARM, figure_svg
from motionrgbd.training.online.detection import Detection
from motionrgbd.training.online.intervals import Estimate

_COLOURS = (
    ACCENT,
    WARM,
    "#4f8a5b",
    "#8a6bb1",
    "#b98a2f",
    MUTED,
    "#3aa6a0",
    "#c06c94",
    INK,
    "#7c5a3a",
)
_SHOWN_MS = (-2000.0, 1000.0)  # beyond, a few late ones would squeeze all others


@mpl.rc_context(STYLE)
def roc_svg(detections: Sequence[Detection]) -> str:
    """Return the share of detected gestures by the share of false idle pieces."""
    figure, axis = _square(
        len(detections), "false-positive rate (idle pieces)", "true-positive rate (gestures)"
    )
    for found, colour in _coloured(detections):
        name = f"{_name(found)}: {found.auc.value or 0:.3f}"
        _curve(axis, found, (0.0, *found.curve_true, 1.0), colour, name)
        _dot(axis, found.false, found.true, colour)
    axis.plot((0, 1), (0, 1), color=MUTED, lw=1, ls=(0, (4, 3)))
    _legend(axis, "gestures / idle: area under the curve")
    return figure_svg(figure, "roc")


@mpl.rc_context(STYLE)
def amoc_svg(detections: Sequence[Detection]) -> str:
    """Return the normalised time to detect (missed as 1) by the share of false idle pieces."""
    figure, axis = _square(
        len(detections), "false-positive rate (idle pieces)", "NTtD, missed gestures as 1"
    )
    for found, colour in _coloured(detections):
        name = f"{_name(found)}: {found.nttd_all.value or 0:.2f}"
        _curve(axis, found, (1.0, *found.curve_nttd, 0.0), colour, name)
        _dot(axis, found.false, found.nttd_all, colour)
    _legend(axis, "gestures / idle: NTtD at the dot")
    return figure_svg(figure, "amoc")


@mpl.rc_context(STYLE)
def latency_svg(groups: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return histograms of decisions after the gestures' ends, one row per group with hits."""
    figure = Figure(figsize=(7.4, 0.6 + 1.35 * len(groups)))
    axes = figure.subplots(len(groups), sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=0.09, right=0.98, top=1 - 0.3 / figure.get_figheight(),
        bottom=0.5 / figure.get_figheight(), hspace=0.45,
    )  # fmt: skip
    low, high = _SHOWN_MS
    for axis, (name, latencies) in zip(axes, groups, strict=True):
        axis.hist(np.clip(latencies, low, high), np.arange(low, high + 1, 50), color=ACCENT)
        axis.axvline(0, color=INK, lw=1)
        for part, style in ((50, "-"), (95, "--")):
            axis.axvline(np.percentile(latencies, part), color=WARM, lw=1.2, ls=style)
        axis.set_title(f"{name}: {len(latencies)} hits", loc="left", fontsize=9)
        _plain(axis)
    axes[-1].set_xlabel(
        "decision after the gesture's end, ms (what lies beyond stands at the edge); red: p50, p95"
    )
    return figure_svg(figure, "latency")


def _square(curves: int, x: str, y: str) -> tuple[Figure, Axes]:
    height = 4.6 + 0.2 * curves  # inches; the names stand below
    figure = Figure(figsize=(4.9, height))
    axis = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.97, top=1 - 0.1 / height, bottom=1 - 4.1 / height)
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y)
    axis.grid(color=RULE, lw=0.5)
    _plain(axis)
    return figure, axis


def _coloured(detections: Sequence[Detection]) -> list[tuple[Detection, str]]:
    return [(found, _COLOURS[i % len(_COLOURS)]) for i, found in enumerate(detections)]


def _curve(axis: Axes, found: Detection, y: Sequence[float], colour: str, name: str) -> None:
    """A step curve: between two thresholds that change something, nothing changes."""
    x = (0.0, *found.curve_false, 1.0)
    axis.step(x, y, where="post", color=colour, lw=1.6, label=name)


def _dot(axis: Axes, x: Estimate, y: Estimate, colour: str) -> None:
    if x.value is not None and y.value is not None:
        axis.plot(x.value, y.value, "o", color=colour, ms=5)


def _name(found: Detection) -> str:
    own = found.idle_of == found.gestures_of
    return f"{found.gestures_of} / {'own idle' if own else found.idle_of}"


def _legend(axis: Axes, title: str) -> None:
    """Below the axes: curves come close to every corner."""
    axis.legend(
        title=title, loc="upper left", bbox_to_anchor=(-0.12, -0.11), fontsize=7.5,
        title_fontsize=8, alignment="left", frameon=False,
    )  # fmt: skip


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)
    axis.tick_params(length=0)
