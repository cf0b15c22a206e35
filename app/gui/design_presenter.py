"""Between a recording's probabilities and the decision designer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QObject, QTimer

from motionrgbd.app.decision_design import (
    Counts,
    Design,
    Threshold,
    Truth,
    gesture_labels,
    moved,
    overrides,
    own_of,
    with_own,
    without_own,
)
from motionrgbd.app.decision_trace import DecisionTrace, PredictionScan
from motionrgbd.app.gui.class_table import ClassRow
from motionrgbd.app.gui.designer import ALL_CLASSES, DesignerPage
from motionrgbd.app.gui.engine_view import EngineView
from motionrgbd.core.decision_parameters import DecisionError, DecisionParameters
from motionrgbd.core.errors import MotionRGBDError
from motionrgbd.core.results import Snapshot
from motionrgbd.models.recipe import Modality

_POLL_MS = 33
_AT_ONCE_S = 0.05  # of deciding, when a threshold was moved: half a minute of a recording
_SHOWN_EVERY_S = 0.1  # the whole page; a drag is shown at once
MOST_CURVES = 6


@dataclass(frozen=True, slots=True)
class Designing:
    """What the designer needs beside the engine.

    bundled: what the model is decided by as it is. scan: reads the recording through; None for a
    camera, whose own steps are kept. truth: what was gestured, from the recording's first moment.
    save: keeps the user's parameters (a `[decision]` table), returns where. Raises OutputError.
    """

    bundled: DecisionParameters
    scan: Callable[[], PredictionScan] | None
    truth: Callable[[float], Truth]
    save: Callable[[Mapping[str, Any]], Path]


class DesignPresenter(QObject):
    """Decides again while thresholds move; the engine goes on with them. Window's thread."""

    def __init__(self, engine: EngineView, page: DesignerPage, designing: Designing) -> None:
        super().__init__(page)
        self._engine, self._page, self._with = engine, page, designing
        self._gestures = gesture_labels(engine.labels)
        self._chosen: str | None = None
        self._saved: DecisionParameters | None = None
        self._said, self._failed = "", False
        self._scan: PredictionScan | None = None
        self._design: Design | None = None
        self._truth = Truth()
        self._origin_s: float | None = None
        self._snapshot: Snapshot | None = None
        self._shown_s = 0.0
        self._own_trace = DecisionTrace(len(engine.labels))
        if designing.scan is None:
            engine.add_observer(self._own_trace.add)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self.poll)
        page.threshold_moved.connect(self._move)
        page.time_set.connect(self._set_time)
        page.class_chosen.connect(self._choose)
        page.class_reset.connect(self._reset_class)
        page.all_reset.connect(self._reset)
        page.save_wanted.connect(self.save)
        page.timeline.set_scene(colours={label: k for k, label in enumerate(engine.labels)})

    @property
    def design(self) -> Design | None:
        """What is decided, once the designer was opened."""
        return self._design

    def open(self) -> None:
        """Begin, or go on, to show the page; the recording is read through the first time."""
        if self._design is None:
            trace = self._own_trace
            if self._with.scan is not None:
                self._scan = self._with.scan()
                self._scan.start()
                trace = self._scan.trace
            self._design = self._new_design(trace)
        self._show_all()
        self._timer.start()

    def read_again(self) -> None:
        """Read the recording through anew, where it was: the model sees other things in it now."""
        if self._scan is None:
            return
        self._scan.stop()
        self._design = None
        if self._timer.isActive():
            self.open()

    def close(self) -> None:
        """The page is not shown any more."""
        self._timer.stop()

    def stop(self) -> None:
        """End everything; may be called again."""
        self._timer.stop()
        if self._scan is not None:
            self._scan.stop()

    def _new_design(self, trace: DecisionTrace) -> Design:
        return Design(
            self._engine.labels,
            self._engine.decision,
            trace,
            window_s=self._engine.recipe.window_s,
            truth=self._truth.gestures,
        )

    def poll(self) -> None:
        """Decide on what has come, and show it."""
        design = self._design
        if design is None:
            return
        self._learn_truth(design)
        design = self._design
        assert design is not None
        changed = design.advance()
        if self._scan is not None and self._scan.finished and not design.complete:
            design.complete = changed = True
        now = time.monotonic()
        if changed and (design.up_to_date or now - self._shown_s >= _SHOWN_EVERY_S):
            self._show_all()
        self._show_moment()

    def _learn_truth(self, design: Design) -> None:
        """Ask for the truth once the recording's first moment is known."""
        if self._origin_s is not None or design.trace.first_s is None:
            return
        self._origin_s = design.trace.first_s
        self._truth = self._with.truth(self._origin_s)
        self._design = self._new_design(design.trace)
        self._page.timeline.set_scene(origin_s=self._origin_s, truth=self._truth.gestures)

    def _show_moment(self) -> None:
        snapshot = self._engine.snapshot()
        if snapshot is None or snapshot is self._snapshot or self._origin_s is None:
            return
        self._snapshot = snapshot
        at_s = snapshot.frame.timestamp_s
        self._page.timeline.set_scene(playhead_s=at_s)
        if self._engine.info.live or at_s >= self._origin_s:
            self._page.timeline.follow(at_s - self._origin_s)
        self._page.set_snapshot(snapshot)

    # ---- what is asked for ----

    def _choose(self, row: int) -> None:
        self._chosen = None if row == 0 else self._gestures[row - 1]
        self._show_all()

    def _move(self, name: str, value: float) -> None:
        threshold = cast("Threshold", name)
        self._use(moved(self._parameters, self._chosen, threshold, value, self._scored))

    def nudge(self, name: Threshold, change: float) -> None:
        """Move a threshold of the chosen class by so much."""
        if self._design is not None:
            on, off, _ = self._of_chosen()
            self._move(name, (on if name == "on" else off) + change)

    def _set_time(self, name: str, seconds: float) -> None:
        if name == "hold_s" and self._chosen is not None:
            own = own_of(self._parameters, self._chosen, self._scored)
            own = dataclasses.replace(own, hold_s=seconds)
            self._use(with_own(self._parameters, self._chosen, own, self._scored))
        else:
            self._use(dataclasses.replace(self._parameters, **{name: seconds}))  # type: ignore[arg-type]

    def _reset_class(self) -> None:
        if self._chosen is not None:
            self._use(without_own(self._parameters, self._chosen))

    def _reset(self) -> None:
        self._use(self._with.bundled)

    def save(self) -> None:
        """Keep the parameters as the user's own."""
        if self._design is None:
            return
        try:
            where = self._with.save(overrides(self._parameters, self._with.bundled))
        except MotionRGBDError as error:
            self._said, self._failed = str(error), True
        else:
            self._saved, self._said = self._parameters, f"saved in {where}"
            self._failed = False
        self._show_state()

    @property
    def _scored(self) -> tuple[Modality, ...]:
        """The modalities that were scored last."""
        trace = self._design.trace if self._design is not None else ()
        return trace.rows(len(trace) - 1, 1).used[0] if trace else ()

    @property
    def _parameters(self) -> DecisionParameters:
        assert self._design is not None
        return self._design.parameters

    def _use(self, parameters: DecisionParameters) -> None:
        if self._design is None or parameters == self._parameters:
            return
        try:
            self._engine.decide_with(parameters)
        except DecisionError as error:
            self._said, self._failed = str(error), True
            self._show_state()
            return
        self._said, self._failed = "", False
        self._design.use(parameters)
        self._design.advance(_AT_ONCE_S)
        self._show_all()

    # ---- what is shown ----

    def _show_all(self) -> None:
        design = self._design
        if design is None:
            return
        self._shown_s = time.monotonic()
        page, known = self._page, bool(self._truth.gestures)
        counts = design.counts()
        truth = f"by {self._truth.of}" if known else self._truth.problem
        page.figures.set_counts(counts if known else None, len(design.events), truth)
        page.table.set_rows([self._row(None, counts), *map(self._row, self._gestures)], known)
        on, off, hold_s = self._of_chosen()
        parameters = design.parameters
        own = self._chosen is not None and without_own(parameters, self._chosen) != parameters
        page.set_class(self._chosen or ALL_CLASSES, own, self._chosen is None)
        page.set_times(
            hold_s=hold_s,
            smoothing_s=parameters.smoothing_s,
            refractory_s=parameters.refractory_s,
        )
        page.timeline.set_duration(self._length_s())
        page.timeline.set_scene(
            times_s=design.times_s,
            probabilities=design.smoothed,
            curves=self._curves(design),
            on=on,
            off=off,
            events=tuple(e for e in design.events if self._chosen in (None, e.event.label)),
            missed=design.missed(),
            truth=tuple(g for g in self._truth.gestures if self._chosen in (None, g.label)),
            reading=self._reading(),
        )
        self._show_state()

    def _row(self, label: str | None, counts: Counts | None = None) -> ClassRow:
        assert self._design is not None
        parameters = self._design.parameters
        if label is None:
            counts = counts or self._design.counts()
            return ClassRow(ALL_CLASSES, parameters.on, parameters.off, True, counts)
        on, off, _ = parameters.of(label, self._scored)
        own = own_of(parameters, label, self._scored)
        has_own = own.on is not None or own.off is not None
        return ClassRow(label, on, off, has_own, self._design.counts(label))

    def _of_chosen(self) -> tuple[float, float, float]:
        parameters = self._parameters
        if self._chosen is not None:
            return parameters.of(self._chosen, self._scored)
        return parameters.on, parameters.off, parameters.hold_s

    def _curves(self, design: Design) -> tuple[int, ...]:
        labels = self._engine.labels
        if self._chosen is not None:
            return (labels.index(self._chosen),)
        rows = design.smoothed
        if not len(rows):
            return ()
        gestures = [labels.index(label) for label in self._gestures]
        if len(gestures) > MOST_CURVES * 4:  # more are a tangle: those that came highest
            peaks = rows.max(axis=0)
            gestures = sorted(sorted(gestures, key=lambda k: -peaks[k])[: MOST_CURVES * 4])
        return tuple(gestures)

    def _length_s(self) -> float:
        design = self._design
        assert design is not None
        known = design.trace.rows().times_s
        seen = float(known[-1]) - (self._origin_s or 0.0) if len(known) else 0.0
        return max(self._engine.info.duration_s or 0.0, seen)

    def _reading(self) -> str:
        if self._scan is None or self._scan.finished:
            return ""
        if self._scan.error is not None:
            return str(self._scan.error)
        return "reading the recording …"

    def _show_state(self) -> None:
        parameters, bundled = self._parameters, self._with.bundled
        text = self._said
        if not text:
            text = "as the model has it" if parameters == bundled else "changed: in use now"
        self._page.set_state(text, changed=parameters != self._saved, bad=self._failed)
        self._page.set_resettable(parameters != bundled)
