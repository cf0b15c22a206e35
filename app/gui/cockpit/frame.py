"""What surrounds a page: the status line, the hints, the hand, and what was just done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from motionrgbd.app.cockpit.offers import PAGE_TITLES, Offer
from motionrgbd.app.cockpit.state import VOLUMES, CockpitState
from motionrgbd.app.gui.actions_texts import Tone
from motionrgbd.app.gui.cockpit.gesture_icons import draw_gesture
from motionrgbd.app.gui.cockpit.look import Panel
from motionrgbd.app.gui.picture import PictureView
from motionrgbd.app.overlay import Scene

_CENTRE = Qt.AlignmentFlag.AlignHCenter
TEXT_PX = 24  # of a confirmation
_ACTIONS = 28  # design pixels of the line that tells of actions
_WIDE = 1200  # design pixels from which on all hints stand in one row


@dataclass(frozen=True, slots=True)
class Hint:
    """Gestures that belong together, and what they do now."""

    gestures: tuple[str, ...]
    text: str


def hints_of(offers: Sequence[Offer], known: Sequence[str]) -> tuple[Hint, ...]:
    """Return the hints of what is offered, without gestures that the model does not know."""
    together: dict[str, list[str]] = {}
    for offer in offers:
        if offer.gesture in known:
            together.setdefault(offer.hint, []).append(offer.gesture)
    return tuple(Hint(tuple(gestures), text) for text, gestures in together.items())


class StatusBar(Panel):
    """One line: the page, the car, the call, the volume."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: CockpitState | None = None
        self._trouble = ""
        self._covered = False

    def set_covered(self, covered: bool) -> None:
        """Leave the middle free for a confirmation."""
        if covered != self._covered:
            self._covered = covered
            self.update()

    def set_state(self, state: CockpitState, trouble: str = "") -> None:
        """Show a state. trouble: why there is nothing to see, in place of the call."""
        self._state, self._trouble = state, trouble
        self.update()

    def draw(self, painter: QPainter) -> None:
        if self._state is None:
            return
        s, look, state = self.scale, self.look, self._state
        height, width = float(self.height()), float(self.width())
        painter.fillRect(self.rect(), QColor(look.back))
        place = QRectF(16 * s, 0, 130 * s, height)
        self.text(painter, place, PAGE_TITLES[state.display.page], 22, look.text, bold=True)
        self._draw_gear(painter, QRectF(150 * s, 0, 160 * s, height), state)
        middle = QRectF(320 * s, 0, width - 540 * s, height)
        if self._covered:
            pass
        elif self._trouble:
            self.text(painter, middle, self._trouble, 18, look.bad, bold=True, align=_CENTRE)
        elif state.call is not None and state.call.answered:
            seconds = int(state.now_s - state.call.since_s)
            said = f"On a call with {state.call.caller}  {seconds // 60}:{seconds % 60:02d}"
            self.text(painter, middle, said, 20, look.good, bold=True, align=_CENTRE)
        place = QRectF(width - 206 * s, 0, 100 * s, height)
        said = f"Volume {state.display.volume}"
        self.text(painter, place, said, 18, look.muted)
        bar = QRectF(width - 100 * s, height / 2 - 4 * s, 84 * s, 8 * s)
        self.bar(painter, bar, state.display.volume / VOLUMES[1])

    def _draw_gear(self, painter: QPainter, where: QRectF, state: CockpitState) -> None:
        s, look = self.scale, self.look
        badge = QRectF(where.x(), where.center().y() - 14 * s, 28 * s, 28 * s)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.muted if state.parked else look.good))
        painter.drawRoundedRect(badge, 7 * s, 7 * s)
        gear = "P" if state.parked else "D"
        self.text(painter, badge, gear, 19, look.on_mark, bold=True, align=_CENTRE)
        place = where.adjusted(38 * s, 0, 0, 0)
        self.text(painter, place, "Parked" if state.parked else "50 km/h", 18, look.text)


class HintBar(Panel):
    """The gestures that do something now; the one under way fills up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hints: tuple[Hint, ...] = ()
        self._under_way: tuple[str, float] | None = None

    def set_hints(self, hints: Sequence[Hint]) -> None:
        """Show these and no others."""
        if tuple(hints) != self._hints:
            self._hints = tuple(hints)
            self.update()

    def hints(self) -> tuple[Hint, ...]:
        """Return what is shown."""
        return self._hints

    def set_progress(self, gesture: str, share: float) -> None:
        """Show how far a gesture is from being recognised, 0 to 1; an empty one for none."""
        under_way = (gesture, round(share, 2)) if gesture else None
        if under_way != self._under_way:
            self._under_way = under_way
            self.update()

    def rows(self) -> int:
        """Return in how many rows the hints stand on a display of this shape."""
        return 1 if self.width() / self.scale >= _WIDE else 2

    def draw(self, painter: QPainter) -> None:
        s = self.scale
        painter.fillRect(self.rect(), QColor(self.look.back))
        if not self._hints:
            return
        rows = self.rows()
        columns = max(-(-len(self._hints) // rows), 6 if rows == 1 else 4)
        gap = 8 * s
        width = (self.width() - gap) / columns
        height = (self.height() - gap) / rows
        for k, hint in enumerate(self._hints):
            x, y = gap + (k % columns) * width, (k // columns) * height
            self._draw_hint(painter, QRectF(x, y, width - gap, height - gap), hint)

    def _draw_hint(self, painter: QPainter, where: QRectF, hint: Hint) -> None:
        s, look = self.scale, self.look
        self.card(painter, where)
        share = 0.0
        if self._under_way is not None and self._under_way[0] in hint.gestures:
            share = self._under_way[1]
            bar = QRectF(where.x() + 14 * s, where.bottom() - 9 * s, where.width() - 28 * s, 5 * s)
            self.bar(painter, bar, share)
        side = min(26 * s, (where.width() - 20 * s) / len(hint.gestures) - 4 * s)
        x = where.center().x() - (side + 6 * s) * len(hint.gestures) / 2
        for gesture in hint.gestures:
            lit = share > 0 and self._under_way is not None and self._under_way[0] == gesture
            icon = QRectF(x + 3 * s, where.y() + 4 * s, side, 26 * s)
            draw_gesture(painter, icon, gesture, look.accent if lit else look.muted)
            x += side + 6 * s
        text = QRectF(where.x() + 6 * s, where.y() + 29 * s, where.width() - 12 * s, 24 * s)
        self.text(painter, text, hint.text, 18, look.text, bold=True, align=_CENTRE)


class HandView(Panel):
    """What the camera sees, small, what the model takes it for, and how actions are handled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PictureView("Waiting for the first picture", self)
        self._gesture = ""
        self._share = 0.0
        self._actions = ""
        self._actions_tone: Tone = "muted"

    def set_scene(self, scene: Scene | None) -> None:
        """Show a picture; its outline is the part that the model looks at."""
        self.picture.set_scene(scene)

    def set_progress(self, gesture: str, share: float) -> None:
        """Show the likeliest gesture, and its probability as a share of what decides it."""
        if (gesture, round(share, 2)) != (self._gesture, round(self._share, 2)):
            self._gesture, self._share = gesture, share
            self.update()

    def set_actions(self, text: str, tone: Tone = "muted") -> None:
        """Say in a few words whether gestures do something outside; an empty text says nothing."""
        if (text, tone) == (self._actions, self._actions_tone):
            return
        moved = bool(text) != bool(self._actions)
        self._actions, self._actions_tone = text, tone
        if moved:
            self.place()
        self.update()

    def said_of_actions(self) -> str:
        """Return what is said of actions."""
        return self._actions

    def _bottom(self) -> float:
        """Return where what is said of actions begins."""
        return self.height() - (_ACTIONS * self.scale if self._actions else 0.0)

    def place(self) -> None:
        """Lay the picture out after a change of size."""
        s = self.scale
        room = self.width() - 2 * 10 * s
        high = min(0.75 * room, self._bottom() - 92 * s)
        self.picture.setGeometry(round(10 * s), round(10 * s), round(room), round(high))

    def draw(self, painter: QPainter) -> None:
        s, look = self.scale, self.look
        self.card(painter, QRectF(self.rect()))
        top = float(self.picture.geometry().bottom())
        room = self.width() - 24 * s
        middle = top + min((self._bottom() - top) / 2, 64 * s)
        line = QRectF(12 * s, middle - 26 * s, room, 32 * s)
        text = self._gesture or "No gesture"
        colour = look.text if self._gesture else look.muted
        self.text(painter, line, text, 22, colour, bold=bool(self._gesture), align=_CENTRE)
        bar = QRectF(12 * s, middle + 12 * s, room, 10 * s)
        self.bar(painter, bar, self._share, look.good if self._share >= 1 else look.accent)
        colour = {"warning": look.accent, "error": look.bad}.get(self._actions_tone, look.muted)
        line = QRectF(12 * s, self._bottom(), room, (_ACTIONS - 6) * s)
        self.text(painter, line, self._actions, 17, colour, align=_CENTRE)


class Confirmation(Panel):
    """What the last gesture did, or why it did nothing; in the status line for a while."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gesture, self._text, self._done = "", "", True

    def set_text(self, gesture: str, text: str, *, done: bool) -> None:
        """Say something. gesture: drawn beside it; empty where it came from the car."""
        self._gesture, self._text, self._done = gesture, text, done
        self.update()

    def said(self) -> str:
        """Return what is said."""
        return self._text

    def wanted_width(self) -> float:
        """Return how wide it would like to be."""
        font = self.font()
        font.setPixelSize(max(8, round(TEXT_PX * self.scale)))
        font.setBold(True)
        icon = 58 if self._gesture else 0
        return QFontMetricsF(font).horizontalAdvance(self._text) + (52 + icon) * self.scale

    def draw(self, painter: QPainter) -> None:
        if not self._text:
            return
        s, look = self.scale, self.look
        where = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        radius = where.height() / 2
        if self._done:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.accent))
            colour = look.on_accent
        else:
            painter.setPen(QPen(QColor(look.edge), 2 * s))
            painter.setBrush(QColor(look.panel))
            colour = look.muted
        painter.drawRoundedRect(where, radius, radius)
        left = where.x() + 24 * s
        if self._gesture:
            side = where.height() - 14 * s
            icon = QRectF(where.x() + 18 * s, where.y() + 7 * s, side, side)
            draw_gesture(painter, icon, self._gesture, colour)
            left = icon.right() + 14 * s
        line = QRectF(left, where.y(), where.right() - 24 * s - left, where.height())
        self.text(painter, line, self._text, TEXT_PX, colour, bold=True)
