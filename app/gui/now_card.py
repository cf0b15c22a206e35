"""What the network thinks now: the likeliest label, and the bars of all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from motionrgbd.app.gui.bars import ProbabilityBars
from motionrgbd.app.gui.elided import ElidedLabel
from motionrgbd.app.gui.panels import Card, scaled_font
from motionrgbd.core.results import Prediction


class NowCard(Card):
    """The newest probabilities."""

    def __init__(self, labels: Sequence[str]) -> None:
        body = QWidget()
        super().__init__("Now", body)
        self.bars = ProbabilityBars(labels)
        self._labels = tuple(labels)
        self._top_label = ElidedLabel("–", mode=Qt.TextElideMode.ElideMiddle)
        self._top_score = QLabel("")
        self._top_label.setFont(scaled_font(self, 1.5, bold=True))
        self._top_score.setFont(scaled_font(self, 1.5))
        scroll = QScrollArea()
        scroll.setWidget(self.bars)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        top = QHBoxLayout()
        top.addWidget(self._top_label, 1)
        top.addWidget(self._top_score)
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(scroll, 1)
        if len(self.bars.rows()) < len(self._labels):
            self.set_note(f"{len(self.bars.rows())} of {len(self._labels)} labels")
        self.setMinimumWidth(250)
        self.setMaximumWidth(420)

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Show probabilities; None: there are none yet."""
        self.bars.set_prediction(prediction)
        top = self.bars.top()
        if prediction is None or top is None:
            self._top_label.setText("–")
            self._top_score.setText("")
        else:
            self._top_label.setText(self._labels[top])
            self._top_score.setText(f"{prediction.probabilities[top]:.2f}")
