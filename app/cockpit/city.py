"""The city of the cockpit's map, and the route through it: drawn by a rule, like no place on earth.

Streets lie on a grid of uneven steps that smooth waves bend; x is east and y south, kilometres from
the middle. Everything follows from one seed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from motionrgbd.app.cockpit.state import PointKm

_Box = tuple[float, float, float, float]  # left, top, right, bottom
Line = NDArray[np.float64]  # (n, 2)
Polygons = NDArray[np.float64]  # (n, 4, 2)

HALF_KM = 4.0  # from the middle to each edge
_SEED = 7
_STREETS = 41  # each way: blocks of about 200 m
_MAIN_EVERY = 5
_SAMPLE_KM = 0.08  # between the points of a bent line
_CORNER_KM = 0.05  # radius of the route's corners
_START_M = 480.0  # along the route, between two corners
_SET_BACK_KM, _GAP_KM = 0.018, 0.004  # houses from the street, and from each other
_SOUTHWARD = (
    "West Gate", "Mill Road", "Orchard Road", "Station Road", "Market Road",
    "Chapel Road", "Garden Road", "Hill Road", "East Gate",
)  # fmt: skip
_EASTWARD = (
    "North Gate", "Lark Street", "Linden Street", "Bridge Street", "King Street",
    "Copper Street", "River Street", "Vine Street", "South Gate",
)  # fmt: skip
_DISTRICTS = (
    ("Old Town", 0.35, -0.4), ("Harbour", 2.6, 1.7), ("Northfield", -1.7, -2.6),
    ("Weavers", -2.5, 0.5), ("Hillside", 2.4, -2.3), ("Southbank", -0.6, 2.9),
)  # fmt: skip
# Corners of the route: indices of main streets, (southward, eastward).
_CORNERS = ((4, 5), (4, 3), (6, 3), (6, 2), (3, 2), (3, 1), (1, 1), (1, 4), (2, 4), (2, 5))
_PARKS = ((-1.5, 1.3, 0.5), (1.75, -0.9, 0.42), (-2.9, -1.6, 0.4), (0.9, 2.2, 0.35))  # x, y, radius


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """A street's middle line. name: empty for small ones."""

    line: Line
    main: bool
    name: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The route's next corner: how far away, to which side, and into which street."""

    distance_m: float
    side: str
    street: str


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """Everything that the map draws. The route is closed: it has no end."""

    streets: tuple[Street, ...]
    parks: Polygons
    buildings: Polygons
    river: Line
    districts: tuple[tuple[str, PointKm], ...]
    route: Line
    _along_m: Line
    _corners: tuple[tuple[float, str, str], ...]

    @property
    def route_m(self) -> float:
        """Length of the route once around."""
        return float(self._along_m[-1])

    def place(self, driven_m: float) -> tuple[PointKm, float]:
        """Return where the route is after so many metres, and its direction (degrees, 0 north)."""
        at = (driven_m + _START_M) % self.route_m
        here, ahead = (self._point((at + step) % self.route_m) for step in (0.0, 6.0))
        heading = np.degrees(np.arctan2(ahead[0] - here[0], here[1] - ahead[1]))
        return (round(float(here[0]), 4), round(float(here[1]), 4)), float(heading) % 360.0

    def next_turn(self, driven_m: float) -> Turn:
        """Return the corner that comes next."""
        at = (driven_m + _START_M) % self.route_m
        turns = ((corner - at) % self.route_m for corner, _, _ in self._corners)
        distance, k = min((distance, k) for k, distance in enumerate(turns))
        _, side, street = self._corners[k]
        return Turn(distance, side, street)

    def _point(self, at_m: float) -> Line:
        x = np.interp(at_m, self._along_m, self.route[:, 0])
        y = np.interp(at_m, self._along_m, self.route[:, 1])
        return np.array([x, y])


@lru_cache(maxsize=1)
def city() -> City:
    """Return the city; built once."""
    rng = np.random.default_rng(_SEED)
    columns, rows = _grid(rng), _grid(rng)
    route, corners = _route(columns, rows)
    along_m = 1000.0 * np.concatenate([[0.0], np.cumsum(_lengths(route))])
    river = _river()
    parks, buildings = _land(rng, columns, rows, river)
    return City(
        streets=tuple(_streets(rng, columns, rows)),
        parks=parks,
        buildings=buildings,
        river=river,
        districts=tuple((name, (x, y)) for name, x, y in _DISTRICTS),
        route=route,
        _along_m=along_m,
        _corners=tuple(_turns(route, along_m, corners)),
    )


def _grid(rng: np.random.Generator) -> Line:
    even = np.linspace(-HALF_KM, HALF_KM, _STREETS)
    step = even[1] - even[0]
    uneven: Line = even + rng.uniform(-0.22, 0.22, _STREETS) * step
    return uneven


def _bent(points: Line) -> Line:
    """Bend the grid (n, 2): long waves for the city, shorter ones for its quarters."""
    x, y = points[:, 0], points[:, 1]
    east = 0.22 * np.sin(0.9 * y + 0.6) + 0.07 * np.sin(2.1 * x + 1.7 * y)
    south = 0.20 * np.sin(0.8 * x - 0.9) + 0.07 * np.sin(1.9 * y - 1.5 * x + 2.0)
    return points + np.stack([east, south], axis=1)


def _between(start: PointKm, end: PointKm) -> Line:
    """Return a straight line of the grid, bent, without its last point."""
    steps = max(1, round(float(np.hypot(end[0] - start[0], end[1] - start[1])) / _SAMPLE_KM))
    share = np.arange(steps)[:, None] / steps
    return _bent(np.array(start) + share * (np.array(end) - np.array(start)))


def _streets(rng: np.random.Generator, columns: Line, rows: Line) -> list[Street]:
    streets = []
    for lines, southward, names in ((columns, True, _SOUTHWARD), (rows, False, _EASTWARD)):
        for k, at in enumerate(lines.tolist()):
            main = k % _MAIN_EVERY == 0
            for start, end in [(-HALF_KM, HALF_KM)] if main else _pieces(rng):
                ends = ((at, start), (at, end)) if southward else ((start, at), (end, at))
                line = np.concatenate([_between(*ends), _bent(np.array([ends[1]]))])
                streets.append(Street(line, main, names[k // _MAIN_EVERY] if main else ""))
    return streets


def _pieces(rng: np.random.Generator) -> list[tuple[float, float]]:
    """Cut a small street where it pleases: no city is a full grid."""
    cuts = np.sort(rng.uniform(-HALF_KM, HALF_KM, 4))
    ends = [-HALF_KM, *cuts.tolist(), HALF_KM]
    return [
        (start, end)
        for start, end in itertools.pairwise(ends)
        if end - start > 0.3 and rng.random() < 0.85
    ]


def _river() -> Line:
    x = np.linspace(-4 * HALF_KM, 4 * HALF_KM, 320)  # it comes from far and goes far
    y = 1.75 + 0.45 * np.sin(0.85 * x + 0.5) + 0.12 * np.sin(2.3 * x)
    return np.stack([x, y], axis=1)


def _land(
    rng: np.random.Generator, columns: Line, rows: Line, river: Line
) -> tuple[Polygons, Polygons]:
    """Return parks and buildings; nothing is built where water is."""
    cells = [
        (left, top, right, bottom)
        for left, right in itertools.pairwise(columns.tolist())
        for top, bottom in itertools.pairwise(rows.tolist())
    ]
    outlines = _bent_boxes(cells)
    middles = outlines.mean(axis=1)
    parks = np.zeros(len(cells), bool)
    for x, y, radius in _PARKS:
        parks |= np.hypot(middles[:, 0] - x, middles[:, 1] - y) < radius
    to_river = np.linalg.norm(middles[:, None] - river, axis=2).min(axis=1)  # (cells,)
    built = np.flatnonzero(~parks & (to_river > 0.22))
    houses = [house for k in built.tolist() for house in _buildings(rng, cells[k])]
    return outlines[parks], _bent_boxes(houses)


def _bent_boxes(boxes: list[_Box]) -> Polygons:
    x0, y0, x1, y1 = np.array(boxes).T
    corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1)
    return _bent(corners.reshape(-1, 2)).reshape(-1, 4, 2)


def _buildings(rng: np.random.Generator, block: _Box) -> list[_Box]:
    """Stand rows of houses around a yard, each house with its own depth."""
    left, top, right, bottom = block
    left, top, right, bottom = (
        left + _SET_BACK_KM,
        top + _SET_BACK_KM,
        right - _SET_BACK_KM,
        bottom - _SET_BACK_KM,
    )
    deep = bottom - top
    houses = []
    for k in range(int(rng.integers(2, 4))):  # along the top, the bottom, and often between
        edges = np.linspace(left, right, 3 + k % 2) + rng.uniform(-0.01, 0.01, 3 + k % 2)
        for start, end in itertools.pairwise(np.clip(edges, left, right).tolist()):
            if rng.random() < 0.12:
                continue
            depth = float(rng.uniform(0.2, 0.34)) * deep
            near = (top, bottom - depth, top + 0.42 * deep)[k]
            far = near + (0.4 * depth if k == 2 else depth)
            houses.append((start, near, end - _GAP_KM, far))
    return houses


def _route(columns: Line, rows: Line) -> tuple[Line, list[tuple[PointKm, str]]]:
    """Return the closed route, and each corner with the street that begins there."""
    nodes = [(float(columns[i * _MAIN_EVERY]), float(rows[j * _MAIN_EVERY])) for i, j in _CORNERS]
    parts, corners = [], []
    for k, (node, following) in enumerate(zip(nodes, nodes[1:] + nodes[:1], strict=True)):
        parts.append(_between(node, following))
        (i, j), (next_i, _) = _CORNERS[k], _CORNERS[(k + 1) % len(_CORNERS)]
        street = _SOUTHWARD[i] if next_i == i else _EASTWARD[j]
        bent = _bent(np.array([node]))[0]
        corners.append(((float(bent[0]), float(bent[1])), street))
    closed = np.concatenate([*parts, parts[0][:1]])
    return _rounded(closed), corners


def _rounded(line: Line) -> Line:
    """Take the edge off the corners of a closed line: a mean over twice their radius."""
    along = np.concatenate([[0.0], np.cumsum(_lengths(line))])
    count = round(along[-1] / 0.01)
    even = np.arange(count) * along[-1] / count
    dense = np.stack([np.interp(even, along, line[:, c]) for c in (0, 1)], axis=1)
    width = 2 * round(_CORNER_KM / 0.01) // 2 + 1
    around = np.concatenate([dense[-width:], dense, dense[:width]])
    mean = np.ones(width) / width
    smooth = np.stack([np.convolve(around[:, c], mean, "same") for c in (0, 1)], axis=1)
    smooth = smooth[width:-width]
    return np.concatenate([smooth, smooth[:1]])


def _turns(
    route: Line, along_m: Line, corners: list[tuple[PointKm, str]]
) -> list[tuple[float, str, str]]:
    turns = []
    count = len(route) - 1
    for (x, y), street in corners:
        k = int(np.argmin(np.hypot(route[:-1, 0] - x, route[:-1, 1] - y)))
        into = route[k] - route[(k - 12) % count]
        out = route[(k + 12) % count] - route[k]
        side = "right" if into[0] * out[1] - into[1] * out[0] > 0 else "left"
        turns.append((float(along_m[k]), side, street))
    return turns


def _lengths(line: Line) -> Line:
    steps = np.diff(line, axis=0)
    return np.hypot(steps[:, 0], steps[:, 1])
