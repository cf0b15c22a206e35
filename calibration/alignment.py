"""Depth as the colour camera sees it."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.extrinsics import Extrinsics
from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.calibration.projection import deproject, distort

_FAR = np.uint16(65535)  # larger than any reading: an unwritten pixel
_LARGEST_SIDE_PX = 8  # of a filled rectangle; only readings at the lens itself spread wider
_BAND_ROWS = 16  # of the distorted path: its twenty intermediate arrays then stay in the cache


class DepthToColor:
    """Moves depth images into the colour image's pixels, with the rules of `rs.align`.

    Where the colour image resolves no more than the depth image, a depth pixel lands on the one
    pixel nearest to its upper left corner (half a pixel off its centre). Where it resolves more,
    both opposite corners are projected and the rectangle between their nearest pixels, both
    included, is filled. The nearest of several readings wins. A reading keeps its value, the
    distance from the depth camera.

    A corner's ray r meets the colour camera at K (R d r + t), along K R r + K t / d: the rays
    K R r are computed once, so a frame costs one multiply-add and one division per corner and
    axis, one scatter, and one minimum filter per rectangle size that occurs.

    Not for use by two threads at once: it works in its own buffers.
    """

    def __init__(
        self, depth: Intrinsics, color: Intrinsics, depth_to_color: Extrinsics | None = None
    ) -> None:
        self.depth = depth
        self.color = color
        self.extrinsics = depth_to_color or Extrinsics()
        self._is_identity = depth == color and self.extrinsics == Extrinsics()
        if not self._is_identity:
            self._upper_left = _Corner(depth, color, self.extrinsics, -0.5)
            self._lower_right = (
                _Corner(depth, color, self.extrinsics, 0.5)
                if _resolves_more(color, depth)
                else None
            )

    def __call__(self, depth_mm: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """`depth_mm` (h, w) of the depth camera as (H, W) of the colour camera; 0 = no reading."""
        expected = (self.depth.height_px, self.depth.width_px)
        if depth_mm.shape != expected or depth_mm.dtype != np.uint16:
            raise ValueError(
                f"depth must be uint16 {expected}, got {depth_mm.dtype} {depth_mm.shape}"
            )
        if self._is_identity:
            return depth_mm.copy()
        inverse = depth_mm.astype(np.float32)
        cv2.divide(1000.0, inverse, dst=inverse)  # 1/m; what it holds where depth is 0 is not used
        x0, y0 = self._upper_left.pixels(inverse)
        if self._lower_right is None:
            return self._move(depth_mm, x0, y0)
        return self._fill(depth_mm, x0, y0, *self._lower_right.pixels(inverse))

    def _move(
        self, depth_mm: NDArray[np.uint16], x: NDArray[np.int16], y: NDArray[np.int16]
    ) -> NDArray[np.uint16]:
        """Every reading on its one pixel."""
        H, W = self.color.height_px, self.color.width_px
        # below 0 is beyond 32767 without a sign: one comparison for both edges
        inside = (x.view(np.uint16) < W) & (y.view(np.uint16) < H)
        seen = np.flatnonzero(inside & (depth_mm > 0))
        plane = np.full(H * W, _FAR, dtype=np.uint16)
        where = y.ravel().take(seen).astype(np.intp) * W + x.ravel().take(seen)
        np.minimum.at(plane, where, depth_mm.ravel().take(seen))
        return _with_zeros(plane.reshape(H, W))

    def _fill(
        self,
        depth_mm: NDArray[np.uint16],
        x0: NDArray[np.int16],
        y0: NDArray[np.int16],
        x1: NDArray[np.int16],
        y1: NDArray[np.int16],
    ) -> NDArray[np.uint16]:
        """Every reading on its rectangle x0..x1, y0..y1, cut at the image's edge.

        Readings are sorted by their rectangle's size into one plane each, at the upper left
        corner; a minimum filter of that size then fills the rectangles of a plane at once.
        """
        H, W, m = self.color.height_px, self.color.width_px, _LARGEST_SIDE_PX - 1
        seen = np.flatnonzero(
            (depth_mm > 0) & (x1 >= 0) & (y1 >= 0) & (x0 < W) & (y0 < H) & (x0 >= -m) & (y0 >= -m)
        )
        reading, left, top, right, bottom = (
            image.ravel().take(seen) for image in (depth_mm, x0, y0, x1, y1)
        )
        columns, rows = right - left, bottom - top  # the sides, less one
        kind = rows.astype(np.intp) * _LARGEST_SIDE_PX + columns
        if np.any((columns < 0) | (rows < 0) | (columns > m) | (rows > m)):
            sane = (columns >= 0) & (rows >= 0) & (columns <= m) & (rows <= m)
            reading, left, top, kind = reading[sane], left[sane], top[sane], kind[sane]
        kinds = np.flatnonzero(np.bincount(kind, minlength=1))
        slot = np.zeros(_LARGEST_SIDE_PX**2, dtype=np.intp)
        slot[kinds] = np.arange(kinds.size)
        planes = np.full((kinds.size, H + m, W + m), _FAR, dtype=np.uint16)  # margin m above, left
        where = (slot[kind] * (H + m) + top + m) * (W + m) + left + m
        np.minimum.at(planes.reshape(-1), where, reading)
        nearest = np.full((H + m, W + m), _FAR, dtype=np.uint16)
        for plane, k in zip(planes, kinds.tolist(), strict=True):
            cv2.min(nearest, _grown(plane, k % _LARGEST_SIDE_PX, k // _LARGEST_SIDE_PX), nearest)
        return _with_zeros(nearest[m:, m:])


def _resolves_more(color: Intrinsics, depth: Intrinsics) -> bool:
    """Whether the colour image has more pixels per angle, in either direction."""

    def per_angle(c: Intrinsics) -> tuple[float, float]:
        across = math.atan2(c.cx_px + 0.5, c.fx_px) + math.atan2(
            c.width_px - c.cx_px - 0.5, c.fx_px
        )
        down = math.atan2(c.cy_px + 0.5, c.fy_px) + math.atan2(c.height_px - c.cy_px - 0.5, c.fy_px)
        return c.width_px / across, c.height_px / down

    (cx, cy), (dx, dy) = per_angle(color), per_angle(depth)
    return cx > dx or cy > dy


def _grown(plane: NDArray[np.uint16], columns: int, rows: int) -> NDArray[Any]:
    """The nearest reading among the `columns` pixels to the left and the `rows` above."""
    if columns == rows == 0:
        return plane
    return cv2.erode(
        plane,
        np.ones((rows + 1, columns + 1), np.uint8),
        anchor=(columns, rows),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=(float(_FAR),),
    )


def _with_zeros(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    return np.where(plane == _FAR, np.uint16(0), plane)


class _Corner:
    """Maps one corner of every depth pixel into the colour image."""

    def __init__(
        self, depth: Intrinsics, color: Intrinsics, move: Extrinsics, offset_px: float
    ) -> None:
        self._color = color
        x, y = np.meshgrid(np.arange(depth.width_px), np.arange(depth.height_px))
        pixels = np.stack([x, y], axis=-1) + offset_px
        rays = deproject(depth, pixels) @ move.matrix.T  # (h, w, 3)
        shift = move.translation
        if not color.is_distorted:  # the projection is linear: fold the camera matrix in
            K = np.array([[color.fx_px, 0, color.cx_px], [0, color.fy_px, color.cy_px], [0, 0, 1]])
            rays, shift = rays @ K.T, K @ shift
        self._rays = [np.ascontiguousarray(rays[..., i], dtype=np.float32) for i in range(3)]
        self._shift = [float(s) for s in shift]
        self._scratch = [np.empty_like(r) for r in self._rays]

    def pixels(self, inverse: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The nearest colour pixels (int16 x, y) at `inverse` depth (1/m)."""
        X, Y, Z = (
            cv2.scaleAdd(inverse, shift, ray, dst=out)
            for ray, shift, out in zip(self._rays, self._shift, self._scratch, strict=True)
        )
        if not self._color.is_distorted:
            return cv2.divide(X, Z, dtype=cv2.CV_16S), cv2.divide(Y, Z, dtype=cv2.CV_16S)
        u, v = np.empty(X.shape, np.int16), np.empty(X.shape, np.int16)
        with np.errstate(all="ignore"):  # 0/0 where there is no reading
            for top in range(0, len(X), _BAND_ROWS):
                rows = slice(top, top + _BAND_ROWS)
                z = Z[rows]
                x, y = distort(self._color, np.divide(X[rows], z), np.divide(Y[rows], z))
                u[rows] = _rounded(x * self._color.fx_px + self._color.cx_px)
                v[rows] = _rounded(y * self._color.fy_px + self._color.cy_px)
        return u, v


def _rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Nearest whole numbers that fit int16; what is not a number lies outside the image."""
    nearest: NDArray[Any] = np.fmax(np.rint(np.fmin(values, 32767)), -32768)
    return nearest
