"""Makes the folder of one clip: pictures out of a video, or out of other pictures.

Each maker is a small picklable object called in a worker process with the clip's files and an
empty folder. `BrokenClipError` says why a clip cannot be made; the others go on.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from motionrgbd.core.preprocess import grey_depth
from motionrgbd.models.recipe import GreyDepth
from motionrgbd.training.datasets.download import Member, number_in
from motionrgbd.training.datasets.records import NUMBERED, PictureNames

Picture = NDArray[np.uint8]  # (H, W, 3), in OpenCV's order

JPEG_QUALITY = 95  # OpenCV's default, with which the released sets were written
_MIN_CONTOUR_PX = 500
_EROSION, _DILATION = np.ones((3, 3), np.uint8), np.ones((10, 10), np.uint8)
_ENDINGS = {".jpg": b"\xff\xd9", ".jpeg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}


class BrokenClipError(Exception):
    """A clip of the download cannot be used; the message says which file, and why."""


class Maker(Protocol):
    """Writes a clip's files into an empty folder."""

    def __call__(self, members: Sequence[Member], folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class VideoToPictures:
    """Every frame of a video, or those from `start` to before `stop`, as JPEG."""

    start: int = 0
    stop: int | None = None

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        count = 0
        for picture in islice(read_video(members[0]), self.start, self.stop):
            write_jpeg(folder / NUMBERED(count), picture)
            count += 1
        wanted = 1 if self.stop is None else self.stop - self.start
        if count < wanted:
            cut = "" if self.stop is None else f", but the list cuts {self.start} to {self.stop}"
            raise BrokenClipError(
                f"{members[0]} has {count + self.start if count else 0} frames{cut}"
            )


@dataclass(frozen=True, slots=True)
class CopyPictures:
    """Numbered pictures as they are, under the set's own names; none may be missing."""

    names: PictureNames

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        check_numbers(members)
        for i, member in enumerate(members):
            _copy(member, folder / self.names(i))


@dataclass(frozen=True, slots=True)
class PicturesToJpeg:
    """Numbered pictures of any kind as 8-bit JPEG in three channels.

    mapping: what becomes of 16-bit depth.
    """

    mapping: GreyDepth | None = None

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        check_numbers(members)
        for i, member in enumerate(members):
            target = folder / NUMBERED(i)
            if self.mapping is None and member.name.lower().endswith((".jpg", ".jpeg")):
                _copy(member, target)
            else:
                write_jpeg(target, self._picture(member))

    def _picture(self, member: Member) -> Picture:
        image = read_image(member)
        if image.dtype == np.uint16:
            if self.mapping is None:
                raise BrokenClipError(f"{member} has 16 bits; colour has 8")
            depth = (image if image.ndim == 2 else image[..., 0]).astype(np.uint16)
            image = grey_depth(depth, self.mapping)
        picture = image[..., :3] if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        return np.ascontiguousarray(picture, np.uint8)


@dataclass(frozen=True, slots=True)
class CropPerson:
    """NTU colour: each frame cut around the person that its masked depth shows, then resized.

    members: the colour video, then the masked depth pictures, frame by frame. The cut has half the
    video's width and height and is clamped at the border. Where no contour is large enough the
    last place stays, at first the middle (the released script fails there). A frame without its
    mask is an error; masks beyond the video's end are left, as the released script does.
    """

    size_px: tuple[int, int]
    names: PictureNames

    def __call__(self, members: Sequence[Member], folder: Path) -> None:
        video, *masks = members
        check_numbers(masks)
        place: tuple[float, float] = (0.5, 0.5)
        count = 0
        for picture in read_video(video):
            if count == len(masks):
                raise BrokenClipError(
                    f"{video} has more frames than its masked depth has pictures, {count}, the "
                    f"last {masks[-1]}: download the masked depth again"
                )
            place = person_point(read_image(masks[count])) or place
            cut = crop_half(picture, place)
            write_jpeg(folder / self.names(count), np.asarray(cv2.resize(cut, self.size_px)))
            count += 1
        if not count:
            raise BrokenClipError(f"{video} has no frames")


def person_point(depth: NDArray[Any]) -> tuple[float, float] | None:
    """Return the person's place in shares of width and height, None where nobody is seen.

    depth: masked, 0 around the person. Eroded 3x3 and dilated 10x10, contours above 500 px have
    minimum-area rectangles; the smallest centre x and the smallest centre y are the point.
    """
    mask = (np.asarray(depth, np.uint16) > 0).astype(np.uint8)
    mask = np.asarray(cv2.dilate(cv2.erode(mask, _EROSION), _DILATION), np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    centers = [cv2.minAreaRect(c)[0] for c in contours if cv2.contourArea(c) > _MIN_CONTOUR_PX]
    if not centers:
        return None
    x, y = min(int(c[0]) for c in centers), min(int(c[1]) for c in centers)
    return x / depth.shape[1], y / depth.shape[0]


def crop_half(picture: Picture, place: tuple[float, float]) -> Picture:
    """Cut half the width and height around a place in shares, clamped at the border."""
    height, width = picture.shape[:2]
    left = max(int(width * place[0]) - width // 4, 0)
    top = max(int(height * place[1]) - height // 4, 0)
    return picture[top : top + height // 2, left : left + width // 2]


def read_video(member: Member) -> Iterator[Picture]:
    """Yield a video's frames, uint8 (H, W, 3) in OpenCV's order.

    Raises `BrokenClipError`, after the last one, where they are fewer than the file's header says:
    half a download decodes without an error. Some containers (Matroska) say no number.
    """
    count = promised = 0
    with ExitStack() as stack:
        try:
            file = member.path if member.archive is None else BytesIO(member.read())
            container: InputContainer = stack.enter_context(av.open(file, "r"))
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # the workers share the cores already
            promised = stream.frames
            for frame in container.decode(stream):
                count += 1
                yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
        except (FFmpegError, OSError, IndexError, zipfile.BadZipFile) as problem:
            raise BrokenClipError(f"{member} cannot be decoded ({problem})") from None
    if count < promised:
        raise BrokenClipError(
            f"{member} is cut off: {count} frames of the {promised} that its header says — "
            "download it again"
        )


def read_image(member: Member) -> NDArray[Any]:
    """Return a picture as it is stored: 8 or 16 bits, one channel or several."""
    try:
        data = np.frombuffer(member.read(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except (OSError, zipfile.BadZipFile, cv2.error):
        image = None
    if image is None:
        raise BrokenClipError(f"{member} is damaged or no picture")
    return image


def write_jpeg(path: Path, picture: Picture) -> None:
    """Write a picture, (H, W, 3) in OpenCV's order."""
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise BrokenClipError(f"{path.name} cannot be encoded")
    path.write_bytes(data.tobytes())


def check_numbers(members: Sequence[Member]) -> None:
    """Raise `BrokenClipError` that names the first picture missing from a numbered row."""
    if not members:
        raise BrokenClipError("there are no pictures")
    first = number_in(members[0].name)[0]
    for i, member in enumerate(members):
        if number_in(member.name)[0] != first + i:
            raise BrokenClipError(
                f"picture {first + i} is missing: {member} follows {members[i - 1].name}"
            )


def _copy(member: Member, target: Path) -> None:
    """Copy a whole picture; on the same disk as a second name, which costs no space."""
    ending = _ENDINGS.get(target.suffix.lower(), b"")
    if member.archive is not None:
        try:
            data = member.read()
        except (OSError, zipfile.BadZipFile) as problem:
            raise BrokenClipError(f"{member} is damaged ({problem})") from None
        tail = data[-64:]
    else:
        with open(member.path, "rb") as file:
            file.seek(max(0, os.path.getsize(member.path) - 64))
            tail = file.read()
    if ending not in tail:
        raise BrokenClipError(f"{member} is cut off")
    if member.archive is not None:
        target.write_bytes(data)
        return
    try:
        os.link(member.path, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(member.path, target)
