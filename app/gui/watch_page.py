"""The page that watches: pictures, guidance, probabilities, timeline, gestures and health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from motionrgbd.app import overlay
from motionrgbd.app.gui import texts
from motionrgbd.app.gui.controls import HeatControls
from motionrgbd.app.gui.history import History
from motionrgbd.app.gui.now_card import NowCard
from motionrgbd.app.gui.panels import Card, Tabs
from motionrgbd.app.gui.picture import PicturePair
from motionrgbd.app.gui.region_bar import RegionBar
from motionrgbd.app.gui.region_picture import RegionPicture
from motionrgbd.app.gui.timeline import SCROLL_S, ScrolledTimeline, Timeline
from motionrgbd.app.gui.watch_views import GestureList, HealthView, SensorView
from motionrgbd.app.my_settings import WindowMemory
from motionrgbd.app.region_shade import RegionShade
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import DepthImage, SourceInfo
from motionrgbd.core.region import RegionOfInterest
from motionrgbd.core.results import Snapshot

_MIRRORED = "in a mirror"
_CARD_SIDES_PX = 24
FEW_LABELS = 15  # so many leave room for the pipeline below them in the smallest window


class WatchPage(QWidget):
    """Shows snapshots of one source.

    below: where what both pages share has its place. region_used: the region of interest was
    switched on or off; region_drawn: a `Box` of pixels was drawn for it.
    """

    region_used = Signal(bool)
    region_drawn = Signal(object)

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__()
        self.few_labels = len(labels) <= FEW_LABELS
        self._snapshot: Snapshot | None = None
        self._depth_range = overlay.DepthRange()
        self._range_mm = overlay.DEFAULT_RANGE_MM
        self._there = (True, True)  # colour and depth
        self._has_region = False  # where the source can
        self._shade: RegionShade | None = None
        self.color_view = RegionPicture(texts.missing_picture("colour", None))
        self.depth_view = RegionPicture(texts.missing_picture("depth", None))
        self.heat = HeatControls()
        self.region_bar = RegionBar()
        self.now = NowCard(labels)
        self.bars = self.now.bars
        self.timeline = Timeline(labels)
        self.gestures = GestureList()
        self.health_view = HealthView()
        self.sensor_view = SensorView()
        self._lay_out()
        self.heat.changed.connect(self._show_pictures)
        self.heat.pictures_changed.connect(self._choose_pictures)
        self.timeline.scrolled.connect(self._note_timeline)
        self.color_view.drawn.connect(self.region_drawn)
        self.depth_view.drawn.connect(self.region_drawn)

    # ---- layout ----

    def _lay_out(self) -> None:
        self._color_card = Card("Colour", self.color_view)
        self._depth_card = Card("Depth", self.depth_view)
        self._pictures = PicturePair(self._color_card, self._depth_card)
        self._scrolled = ScrolledTimeline(self.timeline)
        self._timeline_card = Card("Last 15 seconds", self._scrolled)
        lower = QHBoxLayout()
        lower.setSpacing(8)
        lower.addWidget(self._timeline_card, 1)
        lower.addWidget(self._details_card())
        self.below = QVBoxLayout()
        self.below.setSpacing(8)
        self.below.addWidget(self._pictures, 5)
        self.below.addWidget(self.heat)
        self.below.addWidget(self.region_bar)
        self.region_bar.hide()
        self.below.addLayout(lower, 3)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(self.below, 5)
        whole.addLayout(self._right_column(), 2)

    def _details_card(self) -> Card:
        """Return the gestures, with the pipeline behind a tab where the right column is full."""
        names = ("Recognised", "Sensor", "Pipeline")[: 2 if self.few_labels else 3]
        self._tabs = Tabs(names)
        pages = QStackedWidget()
        for page in (self.gestures, self.sensor_view, self.health_view)[: len(names)]:
            pages.addWidget(page)
        self._tabs.chosen.connect(pages.setCurrentIndex)
        card = Card(self._tabs, pages)
        card.setFixedWidth(max(270, self._tabs.sizeHint().width() + _CARD_SIDES_PX))
        return card

    def _right_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.now, 1)
        if self.few_labels:
            pipeline = Card("Pipeline", self.health_view)
            pipeline.setMaximumWidth(420)
            column.addWidget(pipeline)
        return column

    # ---- setters ----

    def set_source(self, info: SourceInfo) -> None:
        """Show what is known of a source before its first moment."""
        self._there = info.has_color, info.has_depth
        self._choose_pictures()
        self.timeline.set_script(info.script)
        if not info.has_color:
            self.color_view.set_placeholder(texts.missing_picture("colour", info))
        if not info.has_depth:
            self.depth_view.set_placeholder(texts.missing_picture("depth", info))

    def set_memory(self, memory: WindowMemory) -> None:
        """Draw guidance and pictures as they were left (the region is the engine's too)."""
        self.heat.set_choice(memory.heat)  # type: ignore[arg-type]
        self.heat.set_opacity(memory.opacity)
        self.heat.set_threshold(memory.threshold)
        self.heat.set_pictures(memory.pictures)  # type: ignore[arg-type]

    def memory(self, before: WindowMemory) -> WindowMemory:
        """Return what was remembered with how guidance, pictures and region are now."""
        if self._has_region:
            before = replace(
                before,
                region=str(self.region_bar.region()),
                region_on=not self.region_bar.isHidden(),
                region_of=before.source,
            )
        return replace(
            before,
            heat=self.heat.choice(),
            opacity=self.heat.opacity(),
            threshold=self.heat.threshold(),
            pictures=self.heat.pictures(),
        )

    def set_region(self, region: RegionOfInterest | None, camera: Intrinsics) -> None:
        """Show what counts of the pictures that a camera takes; None: everything."""
        self._has_region = True
        self._shade = None if region is None else RegionShade(region, camera)
        self.region_bar.setVisible(region is not None)
        self._show_pictures()

    def set_stale(self, stale: bool) -> None:
        """Show that the pictures are the last ones of a camera that is silent, or not."""
        self.color_view.set_stale(stale)
        self.depth_view.set_stale(stale)

    def newest_depth(self) -> DepthImage | None:
        """Return the depth that is shown, if any."""
        return None if self._snapshot is None else self._snapshot.frame.depth

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Show a moment: pictures and probabilities."""
        self._snapshot = snapshot
        if snapshot.frame.depth is not None:
            self._range_mm = self._depth_range.update(snapshot.frame.depth)
            self._note_depth()
        some = snapshot.frame.color if snapshot.frame.color is not None else snapshot.frame.depth
        if some is not None:
            self._pictures.set_aspect(some.shape[0] / some.shape[1])
        self._show_pictures()
        self.now.set_prediction(snapshot.prediction)

    def set_history(self, history: History, origin_s: float) -> None:
        """Show the recent past."""
        self.timeline.set_history(history, origin_s)
        self._scrolled.show_part()
        self._note_timeline()
        self.bars.set_dots(history.leading())

    def _show_pictures(self) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        opacity = self.heat.opacity()
        shade = self._shade
        lines = None if shade is None else shade.outlines(snapshot.frame)
        for view, modality in ((self.color_view, "color"), (self.depth_view, "depth")):
            view.set_region(lines)
            view.set_scene(
                overlay.scene(
                    snapshot,
                    modality,  # type: ignore[arg-type]
                    heat=self.heat.heat_on(modality),  # type: ignore[arg-type]
                    opacity=opacity,
                    range_mm=self._range_mm,
                    threshold=self.heat.threshold(),
                    hidden=shade and shade.of(snapshot.frame, modality),  # type: ignore[arg-type]
                )
            )

    def _choose_pictures(self) -> None:
        """Show the chosen pictures; of both, those that the source has."""
        choice = self.heat.pictures()
        both = self._there if any(self._there) else (True, True)
        self._pictures.show_only(
            *{"both": both, "color": (True, False), "depth": (False, True)}[choice]
        )

    def _note_timeline(self) -> None:
        if self.timeline.is_back():
            start, end = self.timeline.span_s()
            self._timeline_card.set_title("Looking back")
            shown = f"{texts.clock(start, False)} to {texts.clock(end, False)} (End: now)"
            self._timeline_card.set_note(shown)
        else:
            self._timeline_card.set_title("Last 15 seconds")
            self._timeline_card.set_note("")

    # ---- what menus and keys call ----

    def next_heat(self) -> None:
        """Draw the next choice of guidance map."""
        self.heat.next_choice()

    def stronger_heat(self) -> None:
        """Draw the guidance more opaque."""
        self.heat.add_opacity(0.1)

    def weaker_heat(self) -> None:
        """Draw the guidance less opaque."""
        self.heat.add_opacity(-0.1)

    def raise_heat_threshold(self) -> None:
        """Draw less of the weak guidance."""
        self.heat.set_threshold(self.heat.threshold() + 0.05)

    def lower_heat_threshold(self) -> None:
        """Draw more of the weak guidance."""
        self.heat.set_threshold(self.heat.threshold() - 0.05)

    def next_pictures(self) -> None:
        """Show the next choice of pictures."""
        self.heat.next_pictures()

    def show_mirrored(self, mirrored: bool) -> None:
        """Show pictures as in a mirror, and say so: gestures keep the camera's left and right."""
        self.color_view.set_mirrored(mirrored)
        self.depth_view.set_mirrored(mirrored)
        self._color_card.set_note(_MIRRORED if mirrored else "")
        self._note_depth()

    def _note_depth(self) -> None:
        told = [_MIRRORED] if self.depth_view.mirrored() else []
        if self._snapshot is not None and self._snapshot.frame.depth is not None:
            told.append(texts.metres(self._range_mm))
        self._depth_card.set_note("   ".join(told))

    def use_region(self, used: bool) -> None:
        """Let only a box in metres count, or everything."""
        self.region_used.emit(used)

    def show_outline(self, visible: bool) -> None:
        """Outline what the network sees, or not."""
        self.color_view.set_outline(visible)
        self.depth_view.set_outline(visible)

    def show_gestures(self) -> None:
        """Show the recognised gestures, where they share their place."""
        self._tabs.choose(0)

    def show_sensor(self) -> None:
        """Show how good the sensor's pictures are."""
        self._tabs.choose(1)

    def show_pipeline(self) -> None:
        """Show rates, losses and latencies, where they share their place."""
        if not self.few_labels:
            self._tabs.choose(2)

    def timeline_back(self) -> None:
        """Look at an earlier part of the timeline."""
        self.timeline.scroll_by(-SCROLL_S)

    def timeline_on(self) -> None:
        """Look at a later part of the timeline."""
        self.timeline.scroll_by(SCROLL_S)

    def timeline_now(self) -> None:
        """Follow the newest moment in the timeline."""
        self.timeline.scroll_to(None)
