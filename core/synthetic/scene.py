"""Camera, light and layers: room and body are drawn once, hand and arm for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.frames import ColorImage
from motionrgbd.core.synthetic.domain import Domain, draw
from motionrgbd.core.synthetic.hand import sample_hand
from motionrgbd.core.synthetic.performer import HAND_PARTS, Performer, Pose, sample_performer
from motionrgbd.core.synthetic.render import Cones, Surface, View, boxes, cast
from motionrgbd.core.synthetic.room import draw_room, sample_room

Array = NDArray[np.float64]
Image = NDArray[np.float32]

_BODY_BLEND_MM, _HAND_BLEND_MM = 9.0, 2.2
_MARGIN = 0.10  # of the width: how far the body's layer may sway before its edge shows
_AMBIENT = np.array([0.46, 0.47, 0.50])


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """Key light: direction towards it (camera frame) and colour."""

    towards: Array
    key: Array

    def shade(self, surface: Surface, open_sky: Image | float = 1.0) -> ColorImage:
        """Lambert with a soft terminator, display-encoded (3, n) to (n, 3).

        open_sky (n,): how much of the light reaches the point past its surroundings.
        """
        facing = self.towards.astype(np.float32) @ surface.normal
        lit = np.clip(facing * 0.80 + 0.20, 0.0, 1.0)
        sky = 0.8 - 0.2 * surface.normal[1]
        linear = surface.albedo * (
            _AMBIENT.astype(np.float32)[:, None] * sky + self.key.astype(np.float32)[:, None] * lit
        )
        return encode((linear * open_sky).T)


def _open_sky(surface: Surface, view: View) -> Image:
    """Darken what lies behind its neighbourhood: between fingers, in the hollow of a fist."""
    height, width = view.height_px, view.width_px
    depth, there = np.zeros((2, height * width), np.float32)
    depth[surface.pixel], there[surface.pixel] = surface.depth, 1.0
    reach = (width // 24, width // 24)
    total = cv2.blur(depth.reshape(height, width), reach).reshape(-1)[surface.pixel]
    share = cv2.blur(there.reshape(height, width), reach).reshape(-1)[surface.pixel]
    behind_mm = np.clip(surface.depth - total / share, 0.0, 22.0)
    return np.asarray(1.0 - 0.38 / 22.0 * behind_mm, np.float32)


def encode(linear: Image) -> ColorImage:
    """Linear light 0..1 to display values; a square root stands for the sRGB curve."""
    return np.asarray(np.sqrt(np.clip(linear, 0.0, 1.0)) * 255.0 + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A picture larger than the view: colour, depth (inf: nothing there), its margin in pixels."""

    color: ColorImage
    depth_mm: Image
    margin_px: int
    distance_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is drawn besides the motion. Camera: p_camera = turn (p_world - place)."""

    view: View
    turn: Array
    place_mm: Array
    performer: Performer
    light: Light
    room_color: ColorImage
    room_mm: Image
    body: _Layer
    centre_mm: Array

    def to_camera(self, points: Array) -> Array:
        seen: Array = (points - self.place_mm) @ self.turn.T
        return seen

    def _seen(self, cones: Cones) -> Cones:
        return Cones(self.to_camera(cones.a), self.to_camera(cones.b), cones.ra, cones.rb)

    def draw(self, pose: Pose, sway_mm: Array) -> tuple[ColorImage, Image]:
        """The true picture: colour uint8 (H, W, 3) and depth float32 (H, W) in millimetres."""
        color, depth = self._backdrop(self.turn @ sway_mm)
        surface = cast(self._seen(pose.cones), self.performer.skin, self.view, _HAND_BLEND_MM)
        front = np.flatnonzero(surface.depth < depth.reshape(-1)[surface.pixel])
        pixel = surface.pixel[front]
        depth.reshape(-1)[pixel] = surface.depth[front]
        shaded = self.light.shade(surface, _open_sky(surface, self.view))
        color.reshape(-1, 3)[pixel] = shaded[front]
        return np.asarray(cv2.GaussianBlur(color, (3, 3), 0.6), np.uint8), depth

    def _backdrop(self, sway_mm: Array) -> tuple[ColorImage, Image]:
        """The room with the body in front, moved by whole pixels and true millimetres."""
        layer, camera = self.body, self.view.intrinsics
        dx, dy = (
            int(np.clip(round(f * s / layer.distance_mm), -layer.margin_px, layer.margin_px))
            for f, s in ((camera.fx_px, sway_mm[0]), (camera.fy_px, sway_mm[1]))
        )
        y, x = layer.margin_px - dy, layer.margin_px - dx
        cut = (slice(y, y + self.view.height_px), slice(x, x + self.view.width_px))
        body_mm = layer.depth_mm[cut] + np.float32(sway_mm[2])
        color = self.room_color.copy()
        cv2.copyTo(layer.color[cut], (body_mm < self.room_mm).view(np.uint8), color)
        return color, np.minimum(body_mm, self.room_mm)

    def hand_box(self, pose: Pose) -> tuple[int, int, int, int] | None:
        """Pixels (y0, x0, y1, x1), end exclusive, that hold the hand up to the wrist."""
        box = boxes(self._seen(pose.cones), self.view.intrinsics)[:HAND_PARTS]
        box = box[box[:, 2] > 0]
        if not len(box):
            return None
        (y0, x0), (y1, x1) = box[:, :2].min(axis=0).tolist(), box[:, 2:].max(axis=0).tolist()
        return y0, x0, y1, x1


def _camera_pose(rng: np.random.Generator, domain: Domain) -> tuple[Array, Array]:
    pitch, roll = (
        np.deg2rad(draw(rng, domain.camera_pitch_deg)),
        np.deg2rad(draw(rng, domain.camera_roll_deg)),
    )
    (cp, cr), (sp, sr) = np.cos([pitch, roll]), np.sin([pitch, roll])
    turn = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, cp, -sp], [0, sp, cp]]
    )
    place = np.array([rng.uniform(-30.0, 30.0), -draw(rng, domain.camera_height_mm), 0.0])
    return turn, place


def _intrinsics(rng: np.random.Generator, domain: Domain, size_px: tuple[int, int]) -> Intrinsics:
    width, height = size_px
    focal = draw(rng, domain.focal_ratio) * width
    return Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


def build_scene(rng: np.random.Generator, domain: Domain, size_px: tuple[int, int]) -> Scene:
    """Sample camera, performer, light and room; draw what does not change."""
    camera = _intrinsics(rng, domain, size_px)
    turn, place = _camera_pose(rng, domain)
    shape = sample_hand(rng, domain)
    distance = draw(rng, domain.hand_distance_mm)
    # The performer holds the hand where the camera looks, a little to its own side.
    aim = np.array([-shape.side * draw(rng, (0.0, 35.0)), draw(rng, (8.0, 45.0)), distance])
    centre = turn.T @ aim + place
    performer = sample_performer(rng, domain, shape, centre)
    towards = np.array([rng.uniform(-0.75, 0.75), rng.uniform(-0.9, -0.35), -1.0])
    warmth = rng.uniform(-0.06, 0.06)
    light = Light(
        towards / np.linalg.norm(towards),
        rng.uniform(1.0, 1.3) * np.array([1.0 + warmth, 0.97, 0.92 - warmth]),
    )
    family = domain.backgrounds[int(rng.integers(len(domain.backgrounds)))]
    room = sample_room(rng, family, float(performer.neck_mm[2]))
    view = View.of(camera)
    rays = np.empty((camera.height_px, camera.width_px, 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = view.u, view.v[:, None], 1.0
    room_mm, room_linear = draw_room(
        room, place, rays @ turn.astype(np.float32), turn.T @ light.towards
    )
    return Scene(
        view=view,
        turn=turn,
        place_mm=place,
        performer=performer,
        light=light,
        room_color=encode(room_linear),
        room_mm=room_mm,
        body=_draw_body(performer, camera, turn, place, light),
        centre_mm=centre,
    )


def _draw_body(
    performer: Performer, camera: Intrinsics, turn: Array, place: Array, light: Light
) -> _Layer:
    margin = round(_MARGIN * camera.width_px)
    width, height = camera.width_px + 2 * margin, camera.height_px + 2 * margin
    view = View.of(
        Intrinsics(
            width, height, camera.fx_px, camera.fy_px, camera.cx_px + margin, camera.cy_px + margin
        )
    )
    body = performer.body
    seen = Cones((body.a - place) @ turn.T, (body.b - place) @ turn.T, body.ra, body.rb)
    surface = cast(seen, performer.body_skin, view, _BODY_BLEND_MM)
    depth = np.full((height, width), np.inf, np.float32)
    color = np.zeros((height, width, 3), np.uint8)
    depth.reshape(-1)[surface.pixel] = surface.depth
    color.reshape(-1, 3)[surface.pixel] = light.shade(surface)
    return _Layer(color, depth, margin, float(performer.neck_mm[2]))
