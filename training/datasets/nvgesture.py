"""NvGesture: 25 gestures in a car simulator, 20 people, colour and depth at 30 Hz."""

from __future__ import annotations

from motionrgbd.models.recipe import Modality
from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split

FRAMES = 80  # of the official cut, the same of every clip
OFFICIAL_LISTS = {  # the corrected labels; the first edition takes them from the folders
    "train": "nvgesture_train_correct_cvpr2016_v2.lst",
    "valid": "nvgesture_test_correct_cvpr2016_v2.lst",
}
FOLDERS = {"train": "train", "valid": "test"}  # where the lists put the clips of a split
VIDEOS: dict[Modality, str] = {"color": "sk_color", "depth": "sk_depth"}


def _split(name: str, clips: int) -> Split:
    return Split(clips, {"color": f"rgb/{name}.txt", "depth": f"depth/{name}.txt"})


NVGESTURE = Benchmark(
    name="NvGesture",
    key="nvgesture",
    labels=(
        "Hand Right",
        "Hand Left",
        "Hand Up",
        "Hand Down",
        "Two Fingers Right",
        "Two Fingers Left",
        "Two Fingers Up",
        "Two Fingers Down",
        "Click",
        "Beckon",
        "Open Hand",
        "Shake Hand",
        "Show One",
        "Show Two",
        "Show Three",
        "Lift Hand",
        "Press Hand Down",
        "Push Hand",
        "Pull Hand",
        "Rotate Left",
        "Rotate Right",
        "Two Fingers Prod",
        "Grab",
        "Thumb Up",
        "OK",
    ),
    splits={"train": _split("train", 1050), "valid": _split("valid", 482)},
    pictures={"color": Pictures("rgb"), "depth": Pictures("depth")},
    fps_hz=30.0,
    guidance_window=4,
    download="the unpacked nvGesture_v1: nvgesture_*_correct_cvpr2016_v2.lst and videos "
    "class_01/subject3_r0/sk_color.avi and sk_depth.avi",
    request=(
        "https://research.nvidia.com/publication/2016-06_online-detection-and-classification-"
        "dynamic-hand-gestures-recurrent-3d"
    ),
    terms="non-commercial research; NVIDIA's licence comes with the archive",
    citation="Molchanov et al., Online Detection and Classification of Dynamic Hand Gestures with "
    "Recurrent 3D Convolutional Neural Networks, CVPR 2016",
    mirror=(
        ("Hand Right", "Hand Left"),
        ("Two Fingers Right", "Two Fingers Left"),
        ("Rotate Left", "Rotate Right"),
    ),
)
