"""20BN-Jester V1: 27 gestures in front of webcams, colour only; networks pretrain on it."""

from __future__ import annotations

from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split
from motionrgbd.training.datasets.records import PictureNames

OFFICIAL_LISTS = {"train": "jester-v1-train.csv", "valid": "jester-v1-validation.csv"}

JESTER = Benchmark(
    name="Jester",
    key="jester",
    labels=(  # the owners' order (jester-v1-labels.csv)
        "Swiping Left",
        "Swiping Right",
        "Swiping Down",
        "Swiping Up",
        "Pushing Hand Away",
        "Pulling Hand In",
        "Sliding Two Fingers Left",
        "Sliding Two Fingers Right",
        "Sliding Two Fingers Down",
        "Sliding Two Fingers Up",
        "Pushing Two Fingers Away",
        "Pulling Two Fingers In",
        "Rolling Hand Forward",
        "Rolling Hand Backward",
        "Turning Hand Clockwise",
        "Turning Hand Counterclockwise",
        "Zooming In With Full Hand",
        "Zooming Out With Full Hand",
        "Zooming In With Two Fingers",
        "Zooming Out With Two Fingers",
        "Thumb Up",
        "Thumb Down",
        "Shaking Hand",
        "Stop Sign",
        "Drumming Fingers",
        "No gesture",
        "Doing other things",
    ),
    splits={
        "train": Split(118562, {"color": "train.txt"}),
        "valid": Split(14787, {"color": "valid.txt"}),
    },
    pictures={"color": Pictures(".", PictureNames("{:05d}.jpg", first=1))},
    fps_hz=12.0,
    guidance_window=10,
    download="jester-v1-train.csv, jester-v1-validation.csv and the archive's parts "
    "20bn-jester-v1-00 ..., or its folders 177 of pictures 00001.jpg",
    request="https://www.qualcomm.com/developer/software/jester-dataset",
    terms="research only, under Qualcomm's data licence, accepted when downloading",
    citation="Materzynska et al., The Jester Dataset: A Large-Scale Video Dataset of Human "
    "Gestures, ICCV Workshops 2019",
    mirror=(
        ("Swiping Left", "Swiping Right"),
        ("Sliding Two Fingers Left", "Sliding Two Fingers Right"),
        ("Turning Hand Clockwise", "Turning Hand Counterclockwise"),
    ),
)
