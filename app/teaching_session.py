"""What is to be taught: recordings with their spans, the classes they make, and what is missing.

No Qt: the window shows what is found here, beside the class or the span that it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motionrgbd.app.span_editing import FrameTimes, SpanEditor
from motionrgbd.core.errors import OutputError
from motionrgbd.core.frames import SourceInfo
from motionrgbd.core.labels import NamedSpan, labels_beside, read_spans, write_spans
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.sources.source import Source

GOOD_EXAMPLES = 3  # so many that some can be left out and tried


@dataclass(frozen=True, slots=True)
class Limits:
    """What an example must be, by the model and by what teaching asks.

    least_s, longest_s: of a span. idle_s: in all recordings together, farther than margin_s from
    every gesture. most: examples of one gesture.
    """

    least_s: float
    longest_s: float
    idle_s: float
    margin_s: float
    most: int


class Take:
    """One recording with its spans. region: of interest; what lies outside is not taught.

    Its table is beside it, read at birth and written after every change; `table` is None where
    there is no place for one (the built-in recording). Raises `SourceError` where the table that
    is there cannot be read: it is left as it is.
    """

    def __init__(
        self,
        spec: str,
        info: SourceInfo,
        open_source: Callable[[], Source],
        region: RegionOfInterest | None = None,
    ) -> None:
        self.spec, self.region = spec, region
        self.info = info
        self.open = open_source
        kept = spec != "demo" and Path(spec.partition(",")[0]).expanduser().exists()
        self.table = labels_beside(spec) if kept else None
        self.times = FrameTimes(info.fps_hz, info.duration_s or float("inf"))
        known = read_spans(self.table) if self.table is not None and self.table.exists() else []
        self.editor = SpanEditor(self.times, known)

    @property
    def spans(self) -> tuple[NamedSpan, ...]:
        """The spans marked in it."""
        return self.editor.spans

    def save(self) -> None:
        """Write the table where something has changed. Raises `OutputError`."""
        if self.table is None or not self.editor.changed:
            return
        if not self.spans and not self.table.exists():
            return
        if not self.table.parent.is_dir():
            raise OutputError(f"{self.table.parent} is gone: the labels cannot be kept")
        write_spans(self.table, self.spans)
        self.editor.saved()


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One gesture of the list: how many examples it has, and what is to be said about it.

    known: the model has it already. problem: why it cannot be taught so. note: worth knowing.
    """

    label: str
    examples: int
    known: bool = False
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: the rows, what concerns all of them, and the spans that are wrong."""

    rows: tuple[ClassRow, ...]
    problems: tuple[str, ...]
    wrong: tuple[NamedSpan, ...]

    @property
    def new_labels(self) -> tuple[str, ...]:
        """The classes that would be added."""
        return tuple(row.label for row in self.rows if not row.known)

    @property
    def ready(self) -> bool:
        """Whether teaching can begin."""
        return not self.problems and not any(row.problem for row in self.rows)


class TeachingSession:
    """The recordings of one lesson. Used by one thread."""

    def __init__(self, labels: Sequence[str], limits: Limits) -> None:
        self.model_labels = tuple(labels)
        self.limits = limits
        self.takes: list[Take] = []
        self._colours: dict[str, int] = {}

    def add(self, take: Take) -> Take:
        """Take a recording in; one that is there already is returned as it is."""
        for known in self.takes:
            if known.spec == take.spec:
                return known
        self.takes.append(take)
        return take

    def remove(self, take: Take) -> None:
        """Leave a recording out; its table stays."""
        self.takes.remove(take)

    def used_labels(self) -> list[str]:
        """Return the labels of all spans, sorted."""
        return sorted({s.label for take in self.takes for s in take.spans}, key=str.casefold)

    def colours(self) -> dict[str, int]:
        """Return a number for each label, which it keeps as long as it is used."""
        used = self.used_labels()
        self._colours = {label: n for label, n in self._colours.items() if label in used}
        for label in used:
            taken = set(self._colours.values())
            free = next(n for n in range(len(used) + 1) if n not in taken)
            self._colours.setdefault(label, free)
        return dict(self._colours)

    def standing(self) -> Standing:
        """Say what would be taught, and what stands in its way."""
        wrong = [
            (take, s, why)
            for take in self.takes
            for s in take.spans
            if (why := self._wrong(take, s))
        ]
        rows = tuple(self._row(label, wrong) for label in self.used_labels())
        return Standing(rows, tuple(self._problems(rows)), tuple(span for _, span, _ in wrong))

    def _row(self, label: str, wrong: Sequence[tuple[Take, NamedSpan, str]]) -> ClassRow:
        count = sum(s.label == label for take in self.takes for s in take.spans)
        why = [
            f"{_where(take, span, len(self.takes) > 1)} {reason}"
            for take, span, reason in wrong
            if span.label == label
        ]
        problem = self._name_problem(label) or "; ".join(why[:1])
        if count > self.limits.most and label not in self.model_labels and not problem:
            problem = f"{self.limits.most} examples are the most: delete {count - self.limits.most}"
        if len(why) > 1 and problem == why[0]:
            problem += f" (and {len(why) - 1} more)"
        if label in self.model_labels:
            note = "known already: its examples check the model, they do not change it"
            return ClassRow(label, count, True, problem, note)
        note = ""
        if count == 1:
            note = "one example: it can be tried on altered copies of itself only"
        elif count < GOOD_EXAMPLES:
            note = f"{GOOD_EXAMPLES} examples or more are better"
        return ClassRow(label, count, False, problem, note)

    def _name_problem(self, label: str) -> str:
        """Names that differ in letter case only are told apart by nobody who reads them."""
        for known in (*self.model_labels, *self.used_labels()):
            if known != label and known.casefold() == label.casefold():
                return f"the name exists, as ‘{known}’: choose another one, or spell it so"
        return ""

    def _wrong(self, take: Take, span: NamedSpan) -> str:
        duration_s, limits = span.end_s - span.start_s, self.limits
        if duration_s < limits.least_s - 1e-6:
            return f"lasts {duration_s:.2f} s: {limits.least_s:g} s is the least"
        if duration_s > limits.longest_s + 1e-6:
            return f"lasts {duration_s:.1f} s: the model sees {limits.longest_s:.1f} s at a time"
        if span.end_s > take.times.end_s + 2e-3:
            return f"ends after the recording ({take.times.end_s:.2f} s)"
        return ""

    def _problems(self, rows: Sequence[ClassRow]) -> list[str]:
        if not self.takes:
            return ["Add a recording of the gesture, or record one."]
        if not rows:
            return ["Mark each example: its start (I), its end (O), its name."]
        found = []
        if all(row.known for row in rows):
            found.append("The model knows every gesture marked so far: mark a new one.")
        idle_s = sum(self._idle_s(take) for take in self.takes)
        if idle_s < self.limits.idle_s:
            found.append(
                f"{idle_s:.1f} s of rest between the gestures: {self.limits.idle_s:g} s are "
                "needed, so that rest is not taken for one. Add a recording with a pause."
            )
        return found

    def _idle_s(self, take: Take) -> float:
        """How long a recording is quiet: what is near a gesture may be its beginning or its end."""
        at_s, idle_s, margin_s = 0.0, 0.0, self.limits.margin_s
        for span in take.spans:
            idle_s += max(0.0, span.start_s - margin_s - at_s)
            at_s = span.end_s + margin_s
        return idle_s + max(0.0, take.times.duration_s - at_s)


def _where(take: Take, span: NamedSpan, several: bool) -> str:
    minutes, seconds = divmod(span.start_s, 60)
    where = f"{int(minutes)}:{seconds:04.1f}"
    return f"{take.info.name}, {where}:" if several else f"{where}:"
