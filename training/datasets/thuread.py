"""THU-READ: 40 egocentric actions, 8 people, four splits that each leave two of them out."""

from __future__ import annotations

from motionrgbd.models.released_recipes import released_labels
from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split

HELD_OUT = {
    "CS1": ("cgy", "cwx"),
    "CS2": ("fjw", "gs"),
    "CS3": ("lhh", "lzy"),
    "CS4": ("tys", "wyy"),
}


def color_clip(name: str) -> str:
    """Return the colour clip's name, `RGB_thumb_cwx_2`, from either clip's."""
    return f"RGB_{name.removeprefix('RGB_').removeprefix('D_')}"


def depth_clip(name: str) -> str:
    """Return the depth clip's name, `D_thumb_cwx_2`, from either clip's."""
    return f"D_{name.removeprefix('RGB_').removeprefix('D_')}"


def _splits() -> dict[str, Split]:
    return {
        f"{protocol}/{name}": Split(
            clips,
            {"color": f"@{protocol}/rgb/{name}.txt", "depth": f"@{protocol}/depth/{name}.txt"},
        )
        for protocol in HELD_OUT
        for name, clips in (("train", 720), ("valid", 240))
    }


THU_READ = Benchmark(
    name="THU-READ",
    key="thuread",
    labels=released_labels("THU-READ", 40),
    splits=_splits(),
    pictures={
        "color": Pictures("RGB", clip=color_clip),
        "depth": Pictures("Depth", clip=depth_clip),
    },
    fps_hz=30.0,
    guidance_window=10,
    download="folders of pictures, or videos, called RGB_thumb_cwx_2 and D_thumb_cwx_2",
    request="https://ivg.au.tsinghua.edu.cn/dataset/THU_READ.php",
    terms="research; cite the paper",
    citation="Tang et al., Action Recognition in RGB-D Egocentric Videos, ICIP 2017",
)
