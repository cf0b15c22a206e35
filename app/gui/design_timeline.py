"""The timeline of the decision designer, whose thresholds are dragged."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPaintEvent
from PySide6.QtWidgets import QWidget

from motionrgbd.app.decision_design import Threshold
from motionrgbd.app.gui.design_painting import (
    DesignPainter,
    DesignScene,
    least_height_px,
    rows_of,
)
from motionrgbd.app.gui.zoomed_timeline import ZoomedCanvas, ZoomedTimeline

_GRAB_PX = 7


class DesignTimeline(ZoomedTimeline):
    """Thresholds over the probabilities of a recording, with a bar to scroll.

    threshold_moved: one was dragged to this probability. sought: a moment was chosen, in seconds
    from the recording's start.
    """

    canvas: DesignCanvas
    threshold_moved = Signal(str, float)
    sought = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(DesignCanvas(), parent)
        self.canvas.threshold_moved.connect(self.threshold_moved)
        self.canvas.sought.connect(self.sought)

    def set_scene(self, **changes: object) -> None:
        """Show something else; see `DesignScene`."""
        self.canvas.set_scene(**changes)


class DesignCanvas(ZoomedCanvas):
    """The drawn part of `DesignTimeline`, with what the mouse does on it."""

    threshold_moved = Signal(str, float)
    sought = Signal(float)
    zoom_step = 1.3

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "Drag a threshold up or down. Click at a moment to look at it, turn the wheel to zoom. "
            "Red: missed gestures, and events that should not be."
        )
        self._scene = DesignScene()
        self._held: Threshold | Literal["moment", ""] = ""
        self._lit: Threshold | Literal[""] = ""

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(300, least_height_px(self.font()))

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, self.minimumSizeHint().height() + 120)

    def scene(self) -> DesignScene:
        """Return what is shown."""
        return self._scene

    def set_scene(self, **changes: object) -> None:
        """Show something else; see `DesignScene`."""
        self._scene = replace(self._scene, **changes)  # type: ignore[arg-type]
        self.update()

    def playhead_s(self) -> float:
        """Return the moment that the pictures show, from the recording's start."""
        return self._scene.playhead_s - self._scene.origin_s

    def threshold_y(self, name: Threshold) -> float:
        """Return where a threshold lies."""
        plot = self._plot()
        value = self._scene.on if name == "on" else self._scene.off
        return plot.bottom() - value * plot.height()

    def _plot(self) -> QRectF:
        return rows_of(self.font(), QRectF(self.rect()))[1]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        lit = self._held if self._held in ("on", "off") else self._lit
        DesignPainter(self, self.axes, self._scene).paint(lit)

    def _threshold_at(self, y: float) -> Threshold | Literal[""]:
        near: list[tuple[float, Threshold]] = [
            (abs(y - self.threshold_y("on")), "on"),
            (abs(y - self.threshold_y("off")), "off"),
        ]
        distance, name = min(near)
        if distance > _GRAB_PX:
            return ""
        if self._scene.on == self._scene.off:  # from above the upper one, from below the lower
            return "on" if y <= self.threshold_y("on") else "off"
        return name

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._held = self._threshold_at(event.position().y()) or "moment"
        self._drag(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._held:
            self._drag(event)
            return
        lit = self._threshold_at(event.position().y())
        shape = Qt.CursorShape.SizeVerCursor if lit else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)
        if lit != self._lit:
            self._lit = lit
            self.update()

    def _drag(self, event: QMouseEvent) -> None:
        if self._held == "moment":
            self.sought.emit(self.axes.time_s(event.position().x()))
            return
        plot = self._plot()
        value = (plot.bottom() - event.position().y()) / plot.height()
        self.threshold_moved.emit(self._held, min(max(value, 0.0), 1.0))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._held = ""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._lit = ""
        self.update()
