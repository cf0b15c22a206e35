"""A run in one picture: probabilities over time, truth and events, and where the motion was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from motionrgbd.core.decision import IDLE_LABEL
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import ScriptedGesture
from motionrgbd.core.recogniser import Step
from motionrgbd.core.results import FloatArray, GestureEvent
from motionrgbd.models.recipe import Modality

_TRUTH, _EVENT, _IDLE = "#9fb8d9", "#c8442e", "#b8b8b8"
_COLOURS = [f"C{n}" for n in range(10) if n != 7]  # matplotlib's, without its grey


class RunSummary:
    """Collects a few numbers of each step (`add`, engine's thread) and draws them at the end.

    Per step it keeps K probabilities and, per modality, the guidance averaged over the rows.
    """

    def __init__(self, labels: Sequence[str], modalities: Sequence[Modality]) -> None:
        self._labels = labels
        self._times: list[float] = []
        self._probabilities: list[FloatArray] = []
        self._strips: dict[Modality, list[FloatArray | None]] = {m: [] for m in modalities}
        self._events: list[GestureEvent] = []

    def add(self, step: Step) -> None:
        """Take one step in."""
        nothing = np.full(len(self._labels), np.nan, np.float32)
        self._times.append(step.timestamp_s)
        self._probabilities.append(step.prediction.probabilities if step.prediction else nothing)
        for modality, strip in self._strips.items():
            lost = modality not in step.guidance
            strip.append(None if lost else step.guidance[modality].values.mean(axis=0))
        self._events.extend(step.events)

    def draw(self, path: Path, title: str, script: Sequence[ScriptedGesture]) -> None:
        """Write the picture (PNG). Raises OutputError where that fails."""
        heights = [1.0, 2.4] + [0.9] * len(self._strips)
        figure = Figure(figsize=(14, 2.0 * sum(heights)), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(heights), sharex=True, height_ratios=heights, squeeze=False)
        top, middle, *strips = axes[:, 0]
        figure.suptitle(title)
        self._draw_events(top, script)
        self._draw_probabilities(middle, script)
        for (modality, strip), axis in zip(self._strips.items(), strips, strict=True):
            self._draw_strip(axis, modality, strip)
        axes[-1, 0].set_xlabel("time of the recording (s)")
        if self._times:
            axes[-1, 0].set_xlim(self._times[0], max(self._times) + 0.1)
        try:
            figure.savefig(path)
        except OSError as error:
            raise OutputError(
                f"the picture {path} cannot be written ({error.strerror}) — "
                "choose another folder with --out"
            ) from error

    def _draw_events(self, axis: Axes, script: Sequence[ScriptedGesture]) -> None:
        """Truth below, events above: what was performed, and when it was decided."""
        for n, gesture in enumerate(script):
            span = [(gesture.start_s, gesture.end_s - gesture.start_s)]
            axis.broken_barh(span, (0.0, 1.0), color=_TRUTH)
            height = 0.3 if n % 2 else 0.7  # neighbours' names would run into each other
            middle = (gesture.start_s + gesture.end_s) / 2
            name = axis.text(middle, height, gesture.label, ha="center", va="center", fontsize=7)
            name.set(clip_on=True, in_layout=False)  # a run may end before its script
        for event in self._events:
            axis.plot(event.decided_s, 1.3, marker="v", color=_EVENT, markersize=5)
            text = f"{event.label} {event.score:.2f}"
            axis.text(event.decided_s, 1.5, text, rotation=40, fontsize=7, color=_EVENT)
        axis.set(ylim=(0, 2.9), yticks=[0.5, 1.3], yticklabels=["script", "decided"])
        axis.spines[["top", "right"]].set_visible(False)

    def _draw_probabilities(self, axis: Axes, script: Sequence[ScriptedGesture]) -> None:
        for gesture in script:
            axis.axvspan(gesture.start_s, gesture.end_s, color=_TRUTH, alpha=0.35, lw=0)
        for k, label in enumerate(self._labels):
            curve = [float(p[k]) for p in self._probabilities]
            colour = _IDLE if label == IDLE_LABEL else _COLOURS[k % len(_COLOURS)]
            style = ("-", "--", ":")[k // len(_COLOURS) % 3]
            axis.plot(self._times, curve, style, color=colour, lw=1.2, label=label)
        axis.set(ylim=(0, 1.02), ylabel="probability")
        if len(self._labels) <= 30:
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=7, frameon=False)

    def _draw_strip(
        self, axis: Axes, modality: Modality, strip: Sequence[FloatArray | None]
    ) -> None:
        """Position across the picture, left at the bottom: a swipe is a slope; lost steps dark."""
        known = [column for column in strip if column is not None]
        if not known:
            return
        nothing = np.zeros_like(known[0])
        extent = (self._times[0], self._times[-1] + 1e-6, 0.0, 1.0)
        picture = np.stack([nothing if column is None else column for column in strip], axis=1)
        brightest = max(1e-6, float(np.percentile(picture, 99)))  # a few flashes would dim the rest
        axis.imshow(
            picture, cmap="magma", vmax=brightest, origin="lower", aspect="auto", extent=extent
        )
        name = "colour" if modality == "color" else "depth"
        axis.set(ylabel=f"guidance\n{name}", yticks=[0, 1], yticklabels=["left", "right"])
