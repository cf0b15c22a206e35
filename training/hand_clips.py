"""SHREC'17 / DHG-14 hand crops (De Smedt et al.) as the live application would see the hand.

The package holds, for 32 uniform samples of a clip, a 50x50 depth crop and the box in the 640x480
picture that it was cut from. Each crop is put back into its picture, and the recipe's square is cut
around the middle of the box: what the network is trained on is what it is given live.
"""

from __future__ import annotations

import csv
import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from motionrgbd.calibration.intrinsics import Intrinsics
from motionrgbd.core.errors import SourceError
from motionrgbd.core.hand_place import hand_distance_mm, hand_square
from motionrgbd.core.preprocess import cut_square, relative_depth
from motionrgbd.models.recipe import Recipe, RelativeDepth
from motionrgbd.training.datasets.reader import packed_depth
from motionrgbd.training.datasets.shrec17 import (
    AUX_FILE,
    CLIPS_FILE,
    DEPTH_FILE,
    FRAME_PX,
    SAMPLES,
)
from motionrgbd.training.whole_files import keep_arrays, kept_arrays

SOURCE_HZ = 30.0  # the camera's rate, in which `orig_frames` counts
# What cached crops show around the hand, whatever a recipe asks for: augmentation needs room.
WIDE_M, WIDE_PX = 0.3025, 88
# The RealSense F200's depth camera, as other work on this data set takes it.
CAMERA = Intrinsics(
    width_px=640, height_px=480, fx_px=463.889, fy_px=463.889, cx_px=320.0, cy_px=240.0
)


@dataclass(frozen=True)
class Package:
    """Clips as they are stored: n clips of 32 samples.

    depth: uint8 (n, 32, 50, 50), 0 = no reading, else q * step_mm + offset_mm of the clip.
    boxes: int (n, 32, 4), y0 x0 y1 x1 in the 640x480 picture; frames without a hand hold the box
    of the nearest frame that has one. fine: 0..27 = 2 (gesture - 1) + finger - 1.
    """

    depth: NDArray[np.uint8]
    boxes: NDArray[np.int64]
    step_mm: float
    offset_mm: NDArray[np.int64]
    fine: NDArray[np.int64]
    subject: NDArray[np.int64]
    source_frames: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.fine)

    def millimetres(self, clip: int) -> NDArray[np.uint16]:
        """Return the crops (32, 50, 50) of one clip in millimetres, 0 = no reading."""
        codes = self.depth[clip].astype(np.int64)
        mm = codes * round(self.step_mm) + self.offset_mm[clip]
        return np.where(codes > 0, mm, 0).astype(np.uint16)


def load_package(folder: Path, splits: tuple[str, ...]) -> Package:
    """Read the clips of some splits (`train`, `val`, `test`). Raises SourceError.

    The official training split is `train` and `val` together.
    """
    for name in (CLIPS_FILE, DEPTH_FILE, AUX_FILE):
        if not (folder / name).is_file():
            raise SourceError(
                f"{folder / name} is missing: give a folder that `motionrgbd data prepare shrec17` "
                "wrote, with clips.csv, depth_u8.npy.xz and aux.npz"
            )
    with (folder / CLIPS_FILE).open() as file:
        everything = list(csv.DictReader(file))
    rows = [row for row in everything if row["split"] in splits]
    if not rows:
        raise SourceError(
            f"{folder / 'clips.csv'} has no clip of {' or '.join(splits)} — see its column `split`"
        )
    index = np.array([int(row["index"]) for row in rows])
    depth = packed_depth(folder / DEPTH_FILE)
    aux = np.load(folder / AUX_FILE)
    boxes = aux["bbox_y0x0y1x1"]
    if len(depth) != len(everything) or len(boxes) != len(everything):
        raise SourceError(
            f"{folder}: clips.csv lists {len(everything)} clips, depth_u8.npy.xz holds "
            f"{len(depth)}, aux.npz {len(boxes)}: prepare the data set again"
        )
    fine = np.array([int(row["label28"]) - 1 for row in rows])
    if fine.min() < 0 or fine.max() > 27:
        worst = rows[int(np.argmax((fine < 0) | (fine > 27)))]
        raise SourceError(
            f"{folder / 'clips.csv'}: label28 {worst['label28']} is not 1 to 28: "
            "prepare the set again"
        )
    return Package(
        depth=depth[index],
        boxes=np.stack([_filled(clip) for clip in boxes[index].astype(np.int64)]),
        step_mm=float(aux["depth_step_mm"]),
        offset_mm=aux["depth_offset_mm"][index].astype(np.int64),
        fine=fine,
        subject=np.array([int(row["subject"]) for row in rows]),
        source_frames=np.array([int(row["orig_frames"]) for row in rows]),
        index=index,
    )


def _filled(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give frames without a hand the box of the nearest frame that has one."""
    there = np.flatnonzero((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if not len(there):
        width, height = FRAME_PX
        return np.tile(np.array([0, 0, height, width]), (len(boxes), 1))
    nearest = np.abs(np.arange(len(boxes))[:, None] - there[None]).argmin(1)
    return np.asarray(boxes[there[nearest]])


def pasted(crop: NDArray[np.uint16], box: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Return the 640x480 picture with a crop back in its box (y0 x0 y1 x1), all else 0."""
    width, height = FRAME_PX
    frame = np.zeros((height, width), np.uint16)
    paste(frame, crop, box)
    return frame


def paste(frame: NDArray[np.uint16], crop: NDArray[np.uint16], box: NDArray[np.int64]) -> None:
    """Put a crop into its box (y0 x0 y1 x1) of a frame, nearest neighbours; outside, it is cut."""
    y0, x0, y1, x1 = box.tolist()
    if y1 <= y0 or x1 <= x0:
        return
    patch = cv2.resize(crop, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST_EXACT)
    top, left = max(y0, 0), max(x0, 0)
    bottom, right = min(y1, frame.shape[0]), min(x1, frame.shape[1])
    if bottom > top and right > left:
        frame[top:bottom, left:right] = patch[top - y0 : bottom - y0, left - x0 : right - x0]


@dataclass(frozen=True)
class HandClips:
    """Wide crops around annotated hands, and where they were.

    codes: uint8 (n, 32, W, W), relative depth, 128 at the hand's distance; W = WIDE_PX.
    place: float32 (n, 32, 3), middle of the box in px and distance in mm.
    fine (n,) 0..27; subject, source_frames, index (n,).
    """

    codes: NDArray[np.uint8]
    place: NDArray[np.float32]
    fine: NDArray[np.int64]
    subject: NDArray[np.int64]
    source_frames: NDArray[np.int64]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.fine)

    def chosen(self, keep: NDArray[Any]) -> HandClips:
        """Return the clips that an index or a mask selects."""
        return HandClips(**{name: value[keep] for name, value in vars(self).items()})


def clip_places(package: Package, clip: int) -> NDArray[np.float32]:
    """Return the hand's place (32, 3) in a clip by its boxes: x px, y px, z mm."""
    crops = package.millimetres(clip)
    boxes = package.boxes[clip]
    z = np.array([hand_distance_mm(crop) for crop in crops])
    there = np.flatnonzero(z > 0)
    if not len(there):
        raise ValueError(f"clip {package.index[clip]} has no depth reading at all")
    z = np.interp(np.arange(len(z)), there, z[there])
    # a hand seen from its edge gives hardly a reading: single wrong distances are passed over
    around = np.pad(z, 1, mode="edge")
    z = np.median([around[:-2], around[1:-1], around[2:]], axis=0)
    x, y = (boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2
    return np.stack([x, y, z], 1).astype(np.float32)


def _wide_crops(job: tuple[Package, int, Recipe]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    package, clip, recipe = job
    depth = recipe.depth
    assert isinstance(depth, RelativeDepth)
    places = clip_places(package, clip)
    codes = np.empty((SAMPLES, WIDE_PX, WIDE_PX), np.uint8)
    for i, (crop, box) in enumerate(
        zip(package.millimetres(clip), package.boxes[clip], strict=True)
    ):
        x, y, z = (float(v) for v in places[i])
        square = hand_square(x, y, z, side_m=WIDE_M, focal_px=CAMERA.fx_px)
        cut = cut_square(pasted(crop, box), square)
        near = relative_depth(cut, z, depth)
        codes[i] = cv2.resize(near, (WIDE_PX, WIDE_PX), interpolation=cv2.INTER_AREA)
    return codes, places


def load_hand_clips(
    folder: Path, splits: tuple[str, ...], recipe: Recipe, cache: Path | None = None
) -> HandClips:
    """Return the clips of some splits as wide crops; `cache` keeps them for the next run."""
    return hand_clips(load_package(folder, splits), recipe, cache)


def hand_clips(package: Package, recipe: Recipe, cache: Path | None = None) -> HandClips:
    """Return the clips of a package as wide crops; `cache` keeps them for the next run."""
    stamp = hashlib.sha256(f"{recipe.depth}{WIDE_M}{WIDE_PX}".encode())
    stamp.update(package.index.tobytes() + package.boxes.tobytes())
    path = None if cache is None else cache / f"hands-{stamp.hexdigest()[:12]}.npz"
    if path is not None and path.exists():
        return HandClips(**kept_arrays(path))
    jobs = ((_only(package, i), 0, recipe) for i in range(len(package)))
    # a fork of a process with threads (torch has some) may wait for a lock that nobody holds
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_wide_crops, jobs, chunksize=16))
    clips = HandClips(
        codes=np.stack([codes for codes, _ in parts]),
        place=np.stack([place for _, place in parts]),
        fine=package.fine,
        subject=package.subject,
        source_frames=package.source_frames,
        index=package.index,
    )
    if path is not None:
        keep_arrays(path, vars(clips))
    return clips


def _only(package: Package, clip: int) -> Package:
    """Return a package of one clip: what a worker needs of it."""
    keep = slice(clip, clip + 1)
    values = {k: v if k == "step_mm" else v[keep] for k, v in vars(package).items()}
    return Package(**values)


def cut_times(count: int, fps_hz: float) -> NDArray[np.float64]:
    """Return the times in s of samples taken as equally spaced on the recipe's grid."""
    return np.arange(count) / fps_hz


def real_times(source_frames: int) -> NDArray[np.float64]:
    """Return the times in s at which the 32 samples of a clip were really taken."""
    return np.arange(SAMPLES) * source_frames / SAMPLES / SOURCE_HZ
