"""The cockpit's window: lays its parts out on any wide display; setters, and a signal."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from motionrgbd.app.cockpit.offers import offers
from motionrgbd.app.cockpit.state import CARDS, CockpitState
from motionrgbd.app.gui import actions_texts
from motionrgbd.app.gui.cockpit.frame import Confirmation, HandView, HintBar, StatusBar, hints_of
from motionrgbd.app.gui.cockpit.look import DAY, NIGHT, Panel, scale_of
from motionrgbd.app.gui.cockpit.map_view import MapView
from motionrgbd.app.gui.cockpit.pages import CallCard, ClimatePage, MediaPage
from motionrgbd.app.gui.theme import DARK, theme_of
from motionrgbd.app.overlay import Scene
from motionrgbd.core.actions.status import ActionsStatus

SMALLEST_PX = (800, 400)
_STATUS, _HINT_ROW, _RAIL, _GAP = 50, 78, 216, 8  # design pixels


class CockpitWindow(QWidget):
    """A car's centre display. N changes between day and night, D the driver's side, F11 fills the
    screen, Esc lets gestures do nothing outside it.

    On the driver's side is the page, which is the same for both: swipes choose among its parts by
    where they are. On the other side is the hand.

    gestures: those that the model knows; others are never hinted. closing: while it can still be
    seen; closed: after that. disarm_wanted: nothing is to be sent from now on.
    """

    closing = Signal()
    closed = Signal()
    disarm_wanted = Signal()

    def __init__(self, gestures: Sequence[str]) -> None:
        super().__init__()
        self.setWindowTitle("Cockpit")
        self.setMinimumSize(*SMALLEST_PX)
        self.resize(1280, 480)
        self._gestures = tuple(gestures)
        self._state: CockpitState | None = None
        self._right_hand_drive = False
        self.status = StatusBar(self)
        self.map = MapView(self)
        self.media = MediaPage(self)
        self.climate = ClimatePage(self)
        self.hand = HandView(self)
        self.hint_bar = HintBar(self)
        self.confirmation = Confirmation(self)
        self.call = CallCard(self)
        self.call.hide()
        self.confirmation.hide()
        self.set_night(theme_of(self) is DARK)

    def panels(self) -> tuple[Panel, ...]:
        """Return every part that draws itself."""
        return tuple(self.findChildren(Panel))

    def set_night(self, night: bool) -> None:
        """Draw for the night, or the day."""
        self._look = NIGHT if night else DAY
        for panel in self.panels():
            panel.set_look(self._look)
        self.update()

    def set_right_hand_drive(self, right: bool) -> None:
        """Lay the display out for a driver on the right, or on the left."""
        self._right_hand_drive = right
        self._place()

    def set_state(self, state: CockpitState, trouble: str = "") -> None:
        """Show a state. trouble: why nothing comes from the camera."""
        before, self._state = self._state, state
        display = state.display
        home = display.page == "home"
        chosen = CARDS[display.card] if home else None
        self.status.set_state(state, trouble)
        whole = display.page == "navigation"
        self.map.set_state(state, whole=whole, chosen=chosen == "navigation")
        self.media.set_state(state, as_card=home, chosen=chosen == "media")
        self.climate.set_state(state, as_card=home, chosen=chosen == "climate")
        offered = offers(state)
        self.hint_bar.set_hints(hints_of(offered, self._gestures))
        answers = [o.gesture for o in offered if o.gesture in self._gestures]
        self.call.set_call(state.call if state.ringing else None, answers)
        if before is None or (before.display.page, before.ringing) != (display.page, state.ringing):
            self._place()

    def set_scene(self, scene: Scene | None) -> None:
        """Show what the camera sees."""
        self.hand.set_scene(scene)

    def set_progress(self, gesture: str, share: float) -> None:
        """Show the likeliest gesture, and how near it is to being recognised (0 to 1)."""
        self.hand.set_progress(gesture, share)
        self.hint_bar.set_progress(gesture, share)

    def set_actions(self, status: ActionsStatus | None) -> None:
        """Show how gestures' actions are handled; None: there are none."""
        if status is None:
            self.hand.set_actions("")
            return
        text, tone = actions_texts.headline(status)
        down = actions_texts.down_text(status)
        if down:
            self.hand.set_actions(f"{text}, {down}", "error")
        else:
            self.hand.set_actions(f"Actions: {text.lower()}", tone)

    def set_confirmation(self, gesture: str, text: str, *, done: bool) -> None:
        """Say what a gesture did or why it did nothing; an empty text says nothing."""
        self.confirmation.set_text(gesture, text, done=done)
        self.confirmation.setVisible(bool(text))
        self.status.set_covered(bool(text))
        self._place_confirmation()

    def tick(self, elapsed_s: float) -> None:
        """Move what moves by itself."""
        self.map.tick(elapsed_s)

    # ---- layout ----

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        scale = scale_of(self.width(), self.height())
        for panel in self.panels():
            panel.set_scale(scale)
        status, rail, gap = (round(x * scale) for x in (_STATUS, _RAIL, _GAP))
        width, height = self.width(), self.height()
        self.hint_bar.setFixedWidth(width)
        hints = round(_HINT_ROW * self.hint_bar.rows() * scale)
        self.status.setGeometry(0, 0, width, status)
        self.hint_bar.setGeometry(0, height - hints, width, hints)
        middle = height - status - hints - gap
        wide, right = width - rail - 3 * gap, self._right_hand_drive
        self.hand.setGeometry(gap if right else wide + 2 * gap, status, rail, middle)
        self.hand.place()
        self._content = QRect(rail + 2 * gap if right else gap, status, wide, middle)
        self._place_pages(gap)
        self._place_call(scale)
        self._place_confirmation()

    def _place_pages(self, gap: int) -> None:
        content = self._content
        page = "navigation" if self._state is None else self._state.display.page
        home = page == "home"
        if home:
            map_width = round(0.56 * content.width())
            left = content.x() + map_width + gap
            width, half = content.right() + 1 - left, (content.height() - gap) // 2
            self.map.setGeometry(content.x(), content.y(), map_width, content.height())
            self.media.setGeometry(left, content.y(), width, half)
            below = content.y() + half + gap
            self.climate.setGeometry(left, below, width, content.bottom() + 1 - below)
        else:
            for widget in (self.map, self.media, self.climate):
                widget.setGeometry(content)
        self.map.setVisible(home or page == "navigation")
        self.media.setVisible(home or page == "media")
        self.climate.setVisible(home or page == "climate")

    def _place_call(self, scale: float) -> None:
        """In the middle of the page, but beside the map's next turn: that is driven by."""
        width, height = round(480 * scale), round(214 * scale)
        box = QRect(0, 0, width, height)
        box.moveCenter(self._content.center())
        if self._state is not None and self._state.display.page == "navigation":
            turn = self.map.geometry().x() + round(self.map.turn_box().right())
            box.moveLeft(max(box.left(), turn + round(_GAP * scale)))
        self.call.setGeometry(box)
        self.call.setVisible(self._state is not None and self._state.ringing)
        self.call.raise_()

    def _place_confirmation(self) -> None:
        """Over the middle of the status line: of the page nothing is ever covered."""
        scale = self.confirmation.scale
        left, right = round(300 * scale), self.width() - round(214 * scale)
        width = min(round(self.confirmation.wanted_width()), right - left)
        height = self._content.y() - round(4 * scale)
        x = min(max((self.width() - width) // 2, left), right - width)
        self.confirmation.setGeometry(x, round(2 * scale), width, height)
        self.confirmation.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        QPainter(self).fillRect(event.rect(), QColor(self._look.back))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        self.closing.emit()
        super().closeEvent(event)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_N:
            self.set_night(not self._look.dark)
        elif event.key() == Qt.Key.Key_D:
            self.set_right_hand_drive(not self._right_hand_drive)
        elif event.key() == Qt.Key.Key_Escape:
            self.disarm_wanted.emit()
        elif event.key() == Qt.Key.Key_F11:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        else:
            super().keyPressEvent(event)
