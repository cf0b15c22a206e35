"""ChaLearn IsoGD: 249 gestures, colour (M_) and aligned depth (K_) videos at 10 Hz."""

from __future__ import annotations

from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split

OFFICIAL_LISTS = {"train": "train_list.txt", "valid": "valid_list.txt", "test": "test_list.txt"}
# two of the owners' 35,878 training clips, which the released list leaves out
LEFT_OUT = ("train/072/M_14216", "train/178/M_35517")


def color_clip(name: str) -> str:
    """Return the colour video's name, `train/001/M_00001`, from either video's."""
    return _lettered("M", name)


def depth_clip(name: str) -> str:
    """Return the depth video's name, `train/001/K_00001`, from either video's."""
    return _lettered("K", name)


def _lettered(letter: str, name: str) -> str:
    folder, _, clip = name.rpartition("/")
    return f"{folder}/{letter}_{clip.removeprefix('M_').removeprefix('K_')}"


def _split(name: str, clips: int) -> Split:
    return Split(clips, {"color": f"rgb/{name}.txt", "depth": f"depth/{name}.txt"})


ISOGD = Benchmark(
    name="IsoGD",
    key="isogd",
    labels=tuple(str(i + 1) for i in range(249)),
    splits={
        "train": _split("train", 35876),
        "valid": _split("valid", 5784),
        "test": _split("test", 6271),
    },
    pictures={
        "color": Pictures("rgb", clip=color_clip),
        "depth": Pictures("depth", clip=depth_clip),
    },
    fps_hz=10.0,
    guidance_window=10,
    download="train_list.txt, valid_list.txt, test_list.txt and videos train/001/M_00001.avi "
    "(colour) and K_00001.avi (depth), or the zip archives that hold them",
    request="http://www.cbsr.ia.ac.cn/users/jwan/database/isogd.html",
    terms="research only; a signed agreement is sent to the owners, who answer with the links",
    citation="Wan et al., ChaLearn Looking at People RGB-D Isolated and Continuous Datasets for "
    "Gesture Recognition, CVPR Workshops 2016",
)
