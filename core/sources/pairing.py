"""Which colour image belongs to which depth image: one rule for cameras and recordings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

_SURE = 0.4  # of a period: images of one stream are at least 0.8 periods apart, so none is nearer
_MOST_WAITING = 64  # images of one stream kept while the other is silent: two seconds at 30 Hz
_CLOCK_S = 1e-6  # stamps are told in microseconds


@dataclass(frozen=True, slots=True, eq=False)
class StampedImage:
    """One image of one stream, with the stream's own number and time."""

    image: NDArray[Any]
    number: int
    stamp_s: float


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """Where every image that was read went.

    pairs: delivered as frames, one colour and one depth image each.
    unpaired_color, unpaired_depth: no partner within half a period; not delivered.
    singles: delivered as frames of a source that has one stream only.
    out_of_order: stamps that did not grow; not delivered.
    """

    pairs: int = 0
    singles: int = 0
    unpaired_color: int = 0
    unpaired_depth: int = 0
    out_of_order: int = 0

    @property
    def unpaired(self) -> int:
        return self.unpaired_color + self.unpaired_depth

    @property
    def images_read(self) -> int:
        return 2 * self.pairs + self.singles + self.unpaired + self.out_of_order


class Pairer:
    """Pairs each colour image with the nearest depth image within half a frame period.

    The period is the faster stream's. The result depends on the stamps alone, not on the order
    in which the two streams arrive. An image waits for its stream's next one only where that
    could be the nearer partner (stamps 0.4 to 0.5 periods apart). What finds no partner is
    counted and not delivered: a frame of a colour-and-depth source always has both.
    """

    def __init__(self, period_s: float) -> None:
        self._half_s = period_s / 2 + _CLOCK_S
        self._sure_s = period_s * _SURE
        self._color = _Stream()
        self._depth = _Stream()
        self._pairs = 0
        self._singles = 0
        self._finished = False

    @property
    def counts(self) -> FrameCounts:
        """What became of all images so far; those still waiting are not in it."""
        return FrameCounts(
            self._pairs,
            self._singles,
            self._color.unpaired,
            self._depth.unpaired,
            self._color.out_of_order + self._depth.out_of_order,
        )

    def add_color(self, image: StampedImage) -> None:
        self._color.add(image)

    def add_depth(self, image: StampedImage) -> None:
        self._depth.add(image)

    def pass_single(self, image: StampedImage) -> bool:
        """Count an image of a source that has one stream only; False where its stamp is not new."""
        self._color.add(image)
        if not self._color.waiting:
            return False
        self._color.waiting.clear()
        self._singles += 1
        return True

    def finish(self) -> None:
        """No more images will come: `pop` decides on all that wait."""
        self._finished = True

    def pop(self) -> tuple[StampedImage, StampedImage] | None:
        """The next pair (colour, depth), or None where more images are needed."""
        color, depth = self._color, self._depth
        while color.waiting and depth.waiting:
            earlier, later = color, depth
            if depth.waiting[0].stamp_s < color.waiting[0].stamp_s:
                earlier, later = depth, color
            stamp_s = later.waiting[0].stamp_s
            gap_s = stamp_s - earlier.waiting[0].stamp_s
            if gap_s > self._half_s or earlier.second_is_nearer(stamp_s, gap_s):
                earlier.drop()
                continue
            if gap_s > self._sure_s and len(earlier.waiting) < 2 and not self._finished:
                return None
            self._pairs += 1
            return color.waiting.popleft(), depth.waiting.popleft()
        if self._finished:
            color.drop_all()
            depth.drop_all()
        return None


class _Stream:
    """Images of one stream that wait for their partners."""

    def __init__(self) -> None:
        self.waiting: deque[StampedImage] = deque()
        self.unpaired = 0
        self.out_of_order = 0
        self._last_s = float("-inf")

    def add(self, image: StampedImage) -> None:
        if image.stamp_s <= self._last_s:
            self.out_of_order += 1
            return
        self._last_s = image.stamp_s
        self.waiting.append(image)
        if len(self.waiting) > _MOST_WAITING:
            self.drop()

    def second_is_nearer(self, stamp_s: float, gap_s: float) -> bool:
        return len(self.waiting) > 1 and abs(self.waiting[1].stamp_s - stamp_s) < gap_s

    def drop(self) -> None:
        self.waiting.popleft()
        self.unpaired += 1

    def drop_all(self) -> None:
        self.unpaired += len(self.waiting)
        self.waiting.clear()
