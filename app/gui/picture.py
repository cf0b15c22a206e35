"""Pictures: colour or depth with the heat over it, and two of them side by side."""

from __future__ import annotations

import cv2
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from motionrgbd.app.overlay import Scene
from motionrgbd.core.results import Box

_GAP_PX = 8
_STALE_OPACITY = 0.45


class PictureView(QWidget):
    """Draws a `Scene` as large as fits, at the screen's own pixels.

    The scene is rendered when it is painted, once: what is hidden or overtaken costs nothing.
    """

    def __init__(self, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._scene: Scene | None = None
        self._placeholder = placeholder
        self._outline = True
        self._mirrored = self._stale = False
        self._image: QImage | None = None

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return QSize(160, 100)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(480, 360)

    def set_scene(self, scene: Scene | None) -> None:
        """Show a scene; None shows the placeholder."""
        if scene is self._scene:
            return
        self._scene = scene
        self._image = None
        self.update()

    def scene(self) -> Scene | None:
        """Return what is shown."""
        return self._scene

    def set_placeholder(self, text: str) -> None:
        """Set what is said where there is no picture."""
        if text != self._placeholder:
            self._placeholder = text
            self.update()

    def set_outline(self, visible: bool) -> None:
        """Outline the part of the picture that the network sees, or not."""
        if visible != self._outline:
            self._outline = visible
            self.update()

    def set_mirrored(self, mirrored: bool) -> None:
        """Show the picture as in a mirror, or not."""
        if mirrored != self._mirrored:
            self._mirrored = mirrored
            self._image = None
            self.update()

    def set_stale(self, stale: bool) -> None:
        """Let the picture fade, for it is not of now; or not."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def mirrored(self) -> bool:
        """Return whether the picture is shown as in a mirror."""
        return self._mirrored

    def picture_rect(self) -> QRectF:
        """Return where the picture lies, in widget coordinates; empty without one."""
        if self._scene is None:
            return QRectF()
        height, width = self._scene.image.shape[:2]
        scale = min(self.width() / width, self.height() / height)
        ratio = self.devicePixelRatioF()
        w, h = (max(1, round(v * scale * ratio)) / ratio for v in (width, height))
        left = round((self.width() - w) / 2 * ratio) / ratio
        top = round((self.height() - h) / 2 * ratio) / ratio
        return QRectF(left, top, w, h)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._image = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Base))
        if self._scene is None:
            self._paint_placeholder(painter)
            return
        where = self.picture_rect()
        ratio = self.devicePixelRatioF()
        if self._image is None or self._image.devicePixelRatioF() != ratio:
            self._image = _image(self._scene, where, ratio, self._mirrored)
        if self._stale:
            painter.setOpacity(_STALE_OPACITY)
        painter.drawImage(where.topLeft(), self._image)
        painter.setOpacity(1.0)
        if self._outline:
            self._paint_outline(painter, self._scene, where, self._mirrored)

    def _paint_placeholder(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.AlternateBase))
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 8, -16, -8), int(flags), self._placeholder)

    @staticmethod
    def _paint_outline(painter: QPainter, scene: Scene, where: QRectF, mirrored: bool) -> None:
        box = scene.box_at(round(where.width()), round(where.height()))
        if mirrored:
            left, right = where.width() - box.right_px, where.width() - box.left_px
            box = Box(left, box.top_px, right, box.bottom_px)
        inner = QRectF(
            box.left_px, box.top_px, box.right_px - box.left_px, box.bottom_px - box.top_px
        ).translated(where.topLeft())
        painter.setClipRect(where)
        for colour, inset in ((QColor(0, 0, 0, 90), 1.5), (QColor(255, 255, 255, 170), 0.5)):
            painter.setPen(QPen(colour, 1))
            painter.drawRect(inner.adjusted(inset, inset, -inset, -inset))


class PicturePair(QWidget):
    """Two pictures side by side, no higher than they are wide enough to fill."""

    def __init__(self, left: QWidget, right: QWidget) -> None:
        super().__init__()
        self._aspect = 0.75
        self._cards = (left, right)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(_GAP_PX)
        layout.addWidget(left, 1)
        layout.addWidget(right, 1)
        self._frame_px = (20, 24 + self.fontMetrics().height())  # of a card around its picture

    def set_aspect(self, aspect: float) -> None:
        """Set height / width of the pictures."""
        if aspect != self._aspect:
            self._aspect = aspect
            self._limit_height()

    def show_only(self, left: bool, right: bool) -> None:
        """Show both pictures, or one of them as large as fits."""
        for card, shown in zip(self._cards, (left, right), strict=True):
            card.setVisible(shown)
        self._limit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._limit_height()

    def _limit_height(self) -> None:
        count = sum(not card.isHidden() for card in self._cards)
        width = (self.width() - _GAP_PX * (count - 1)) / max(count, 1) - self._frame_px[0]
        self.setMaximumHeight(max(160, round(width * self._aspect) + self._frame_px[1]))


def _image(scene: Scene, where: QRectF, ratio: float, mirrored: bool) -> QImage:
    width, height = round(where.width() * ratio), round(where.height() * ratio)
    # four bytes per pixel are copied to the screen as they are; three would be converted again
    pixels = cv2.cvtColor(scene.render(width, height), cv2.COLOR_RGB2BGRA)
    if mirrored:
        pixels = cv2.flip(pixels, 1)
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
    image.setDevicePixelRatio(ratio)
    return image
