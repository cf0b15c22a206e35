"""Exact ray casting of round cones, all of them in one pass over their pixels.

A round cone is the hull of two spheres; hands, arms and bodies are made of them. The surface
is where the ray of a pixel first meets the hull (I. Quilez, "Rounded cone - intersection"),
solved here for rays (u, v, 1), so that the ray's parameter is the depth itself. Where cones
overlap they melt into each other by a smooth minimum,
z = min(z_i) - k log sum exp((min(z_i) - z_i) / k).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Index = NDArray[np.intp]

_NEAR_MM = 60.0  # parts nearer than this are not drawn: the sensor could not see them either


@dataclass(frozen=True, slots=True, eq=False)
class Cones:
    """P round cones in camera coordinates: ends a, b (P, 3) and their radii (P,), millimetres."""

    a: Array
    b: Array
    ra: Array
    rb: Array

    def __add__(self, other: Cones) -> Cones:
        return Cones(
            np.concatenate([self.a, other.a]),
            np.concatenate([self.b, other.b]),
            np.concatenate([self.ra, other.ra]),
            np.concatenate([self.rb, other.rb]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """Linear RGB albedo at both ends of each cone (P, 3)."""

    a: Image
    b: Image


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A pinhole image plane: size, and the ray (u, v, 1) of every column and row."""

    width_px: int
    height_px: int
    intrinsics: Intrinsics
    u: Image
    v: Image

    @classmethod
    def of(cls, camera: Intrinsics) -> View:
        u = (np.arange(camera.width_px) - camera.cx_px) / camera.fx_px
        v = (np.arange(camera.height_px) - camera.cy_px) / camera.fy_px
        return cls(
            camera.width_px, camera.height_px, camera, u.astype(np.float32), v.astype(np.float32)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """What the cones show: flat pixel index (n,), depth (n,), unit normal and albedo (3, n)."""

    pixel: Index
    depth: Image
    normal: Image
    albedo: Image


def _extent(centre: Array, depth: Array, radius: Array) -> tuple[Array, Array]:
    """Slopes between which spheres are seen along one image axis."""
    middle = np.arctan2(centre, depth)
    half = np.arcsin(np.minimum(radius / np.hypot(centre, depth), 0.99))
    return np.tan(middle - half), np.tan(middle + half)


def boxes(cones: Cones, camera: Intrinsics) -> Index:
    """Pixel box (y0, x0, y1, x1) of each cone, end exclusive, clipped to the image (P, 4)."""
    edges = []
    for axis, focal, centre, size in (
        (1, camera.fy_px, camera.cy_px, camera.height_px),
        (0, camera.fx_px, camera.cx_px, camera.width_px),
    ):
        low_a, high_a = _extent(cones.a[:, axis], cones.a[:, 2], cones.ra)
        low_b, high_b = _extent(cones.b[:, axis], cones.b[:, 2], cones.rb)
        low = np.ceil(np.minimum(low_a, low_b) * focal + centre)
        high = np.floor(np.maximum(high_a, high_b) * focal + centre) + 1
        edges.append((np.clip(low, 0, size), np.clip(high, 0, size)))
    (y0, y1), (x0, x1) = edges
    seen = np.minimum(cones.a[:, 2] - cones.ra, cones.b[:, 2] - cones.rb) > _NEAR_MM
    seen &= (y1 > y0) & (x1 > x0)
    return np.stack([y0, x0, y1, x1], axis=1).astype(np.intp) * seen[:, None]


def _spans(counts: Index) -> tuple[Index, Index]:
    """For runs of the given lengths: the run of each element, and its place in the run."""
    run = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return run, np.arange(len(run)) - starts[run]


def _dot(x: Array, y: Array) -> Array:
    product: Array = (x * y).sum(axis=1)
    return product


def _rows(cones: Cones, box: Index, view: View) -> tuple[Index, Index, Image]:
    """Cone and y of every row of every cone's box, and what is constant along it (10, rows)."""
    cone, row = _spans(box[:, 2] - box[:, 0])
    y = row + box[cone, 0]
    ba = cones.b - cones.a
    rr = cones.ra - cones.rb
    m5, m7 = _dot(cones.a, cones.a), _dot(cones.b, cones.b)  # Quilez' names, where he has one
    ba_a = _dot(ba, cones.a)
    d2 = np.maximum(_dot(ba, ba) - rr * rr, 1e-3)  # one end inside the other: a sphere
    k0 = d2 * m5 - ba_a**2 - 2 * ba_a * rr * cones.ra - _dot(ba, ba) * cones.ra**2
    c1 = rr * cones.ra + ba_a
    of_cone = np.stack([cones.a[:, 0], ba[:, 0], d2, k0, c1, m5 - cones.ra**2, m7 - cones.rb**2])
    v = view.v[y]
    of_row = np.empty((10, len(y)), np.float32)
    of_row[:7] = of_cone[:, cone]
    of_row[7] = cones.a[cone, 1] * v + cones.a[cone, 2]
    of_row[8] = ba[cone, 1] * v + ba[cone, 2]
    of_row[9] = v * v + 1
    return cone, y, of_row


def cast(cones: Cones, skin: Skin, view: View, blend_mm: float) -> Surface:
    """Draw the cones; `blend_mm` is k of the smooth minimum."""
    box = boxes(cones, view.intrinsics)
    cone, y, of_row = _rows(cones, box, view)

    # One entry per pixel of a row: dot products with the ray, then the three discriminants.
    run, x = _spans((box[:, 3] - box[:, 1])[cone])
    x += box[cone, 1][run]
    ax, bx, d2_, k0_, c1_, s_a, s_b, ga, m2, dd = of_row[:, run]
    u = view.u[x]
    ga += ax * u
    m2 += bx * u
    dd += u * u
    k1 = m2 * c1_ - d2_ * ga
    k2 = d2_ * dd - m2 * m2
    gb = ga + m2
    h = k1 * k1 - k0_ * k2
    ha = ga * ga - dd * s_a
    hb = gb * gb - dd * s_b
    hit = np.flatnonzero((h >= 0) | (ha >= 0) | (hb >= 0))

    run, x = run[hit], x[hit]
    d2_, c1_, ga, m2, dd, k1, k2, h, ha, hb = (
        q[hit] for q in (d2_, c1_, ga, m2, dd, k1, k2, h, ha, hb)
    )
    far = np.float32(np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (-k1 - np.sqrt(h)) / k2
        along = z * m2 - c1_  # Quilez' y = m1 - ra rr + t m2, and m1 = -ba.a
        z = np.where((along > 0) & (along < d2_) & (h >= 0), z, far)
        z = np.fmin(z, np.where(ha >= 0, (ga - np.sqrt(ha)) / dd, far))
        z = np.fmin(z, np.where(hb >= 0, (ga + m2 - np.sqrt(hb)) / dd, far))
    sure = np.flatnonzero(z < far)
    run, x, z = run[sure], x[sure], z[sure]
    share = np.clip((z * m2[sure] - c1_[sure]) / d2_[sure], 0, 1)  # 0 at a, 1 at b
    return _melt(cones, skin, view, blend_mm, cone[run], y[run], x, z, share)


def _melt(
    cones: Cones,
    skin: Skin,
    view: View,
    k: float,
    cone: Index,
    y: Index,
    x: Index,
    z: Image,
    share: Image,
) -> Surface:
    """Join the hits of each pixel by the smooth minimum."""
    pixel = y * view.width_px + x
    nearest = np.full(view.width_px * view.height_px, np.inf, np.float32)
    np.minimum.at(nearest, pixel, z)
    behind = z - nearest[pixel]
    front = np.flatnonzero(behind < 3.0 * k)
    pixel, cone, share, z = pixel[front], cone[front], share[front], z[front]
    weight = np.exp(behind[front] / -k)

    seen = np.flatnonzero(nearest < np.inf)
    slot = np.empty(len(nearest), np.intp)
    slot[seen] = np.arange(len(seen))
    slot = slot[pixel]

    def total(values: Image) -> Image:
        return np.bincount(slot, values, len(seen)).astype(np.float32)

    a = cones.a.T.astype(np.float32)
    ba = (cones.b - cones.a).T.astype(np.float32)
    ray = (view.u[x[front]], view.v[y[front]], np.float32(1))
    normal = [z * ray[i] - a[i][cone] - ba[i][cone] * share for i in range(3)]
    length = weight / np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2)
    blended = np.stack([total(n * length) for n in normal])
    blended /= np.sqrt(np.square(blended).sum(axis=0)) + 1e-9
    weights = total(weight)
    low, step = skin.a.T, (skin.b - skin.a).T
    albedo = np.stack([total((low[i][cone] + step[i][cone] * share) * weight) for i in range(3)])
    albedo /= weights
    depth = (nearest[seen] - k * np.log(weights)).astype(np.float32)
    return Surface(seen, depth, blended, albedo)
