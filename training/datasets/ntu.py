"""NTU RGB+D: 60 (and 120) actions; colour videos and depth in which only the people are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from motionrgbd.models.recipe import Modality
from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split
from motionrgbd.training.datasets.records import PictureNames

COLOR_SIZE_PX = (320, 240)  # of the cropped colour picture, after resizing
_TRAINING_SUBJECTS = {
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86,
    89, 91, 92, 93, 94, 95, 97, 98, 100, 103,
}  # fmt: skip  # numbers above 40 occur in NTU RGB+D 120 only
_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")


@dataclass(frozen=True, slots=True)
class ClipName:
    """What a file name such as S001C002P003R002A013 tells, all counted from 1."""

    setup: int
    camera: int
    subject: int
    repetition: int
    action: int


def parse_name(name: str) -> ClipName | None:
    """Return the numbers in a name, None where it is no name of this set."""
    match = _NAME.match(name)
    return None if match is None else ClipName(*map(int, match.groups()))


def split_of(protocol: str, clip: ClipName) -> str:
    """Return `train` or `valid`: by subject (CS), by camera (CV) or by setup (CX)."""
    training = {
        "CS": clip.subject in _TRAINING_SUBJECTS,
        "CV": clip.camera != 1,
        "CX": clip.setup % 2 == 0,
    }[protocol]
    return "train" if training else "valid"


def depth_clip(name: str) -> str:
    """Return the depth folder's name, which lacks the `_rgb` of the colour video's."""
    return name.removesuffix("_rgb")


def _splits(counts: dict[str, tuple[int | None, int | None]]) -> dict[str, Split]:
    return {
        f"{protocol}/{name}": Split(count, {"color": f"@{protocol}/{name}.txt"})
        for protocol, both in counts.items()
        for name, count in zip(("train", "valid"), both, strict=True)
    }


_PICTURES: dict[Modality, Pictures] = {
    "color": Pictures("ImagesResize", PictureNames(first=1)),
    "depth": Pictures(
        "nturgb+d_depth_masked",
        PictureNames("MDepth-{:08d}.png", first=1, masked=True),
        depth_clip,
    ),
}
_ACTIONS = (
    "drink water",
    "eat meal",
    "brush teeth",
    "brush hair",
    "drop",
    "pick up",
    "throw",
    "sit down",
    "stand up",
    "clap",
    "read",
    "write",
    "tear up paper",
    "put on jacket",
    "take off jacket",
    "put on shoe",
    "take off shoe",
    "put on glasses",
    "take off glasses",
    "put on hat",
    "take off hat",
    "cheer up",
    "wave hand",
    "kick something",
    "reach into pocket",
    "hop",
    "jump up",
    "phone call",
    "play with phone",
    "type on keyboard",
    "point to something",
    "take selfie",
    "check time",
    "rub hands",
    "nod head",
    "shake head",
    "wipe face",
    "salute",
    "put palms together",
    "cross hands",
    "sneeze or cough",
    "stagger",
    "fall",
    "headache",
    "chest pain",
    "back pain",
    "neck pain",
    "nausea",
    "fan self",
    "punch",
    "kick someone",
    "push someone",
    "pat on back",
    "point at someone",
    "hug",
    "give object",
    "touch pocket",
    "shake hands",
    "walk towards",
    "walk apart",
)
_TERMS = "academic research only; accounts are granted on request, redistribution is forbidden"
_DOWNLOAD = (
    "videos S001C001P001R001A001_rgb.avi and folders S001C001P001R001A001 of masked depth "
    "MDepth-00000001.png, or the zip archives that hold them (nturgbd_rgb_*, "
    "nturgbd_depth_masked_*)"
)
_REQUEST = "https://rose1.ntu.edu.sg/dataset/actionRecognition/"

NTU = Benchmark(
    name="NTU",
    key="ntu",
    labels=_ACTIONS,
    splits=_splits({"CS": (40320, 16560), "CV": (37920, 18960)}),
    pictures=_PICTURES,
    fps_hz=30.0,
    guidance_window=10,
    download=_DOWNLOAD,
    request=_REQUEST,
    terms=_TERMS,
    citation="Shahroudy et al., NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis, "
    "CVPR 2016",
)

NTU120 = Benchmark(
    name="NTU120",
    key="ntu120",
    labels=(*_ACTIONS, *(f"A{i:03d}" for i in range(61, 121))),
    splits=_splits({"CS": (None, None), "CX": (None, None)}),
    pictures=_PICTURES,
    fps_hz=30.0,
    guidance_window=10,
    download=_DOWNLOAD,
    request=_REQUEST,
    terms=_TERMS,
    citation="Liu et al., NTU RGB+D 120: A Large-Scale Benchmark for 3D Human Activity "
    "Understanding, TPAMI 2020",
)
