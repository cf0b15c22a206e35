"""SHREC'17 track (DHG-14/28): 14 gestures, with one finger or the hand; depth only, RealSense."""

from __future__ import annotations

from motionrgbd.core.synthetic.gestures import GESTURES
from motionrgbd.training.datasets.benchmark import Benchmark, Pictures, Split

SAMPLES = 32  # equally spaced frames that are kept of a clip
CROP_PX = 50
FRAME_PX = (640, 480)  # of the depth pictures, width and height
STEP_MM = 3  # of the 8-bit codes
VALIDATION_SUBJECTS = (19, 20)  # of the official training set
OFFICIAL_LISTS = {"train": "train_gestures.txt", "test": "test_gestures.txt"}
CLIPS_FILE, DEPTH_FILE, AUX_FILE = "clips.csv", "depth_u8.npy.xz", "aux.npz"
LABEL_COLUMNS = {"shrec17": "label14", "shrec17-28": "label28"}  # of CLIPS_FILE, counted from 1

_REQUEST = "http://www-rech.telecom-lille.fr/shrec2017-hand/"
_TERMS = "research; cite the paper"
_CITATION = (
    "De Smedt et al., SHREC'17 Track: 3D Hand Gesture Recognition Using a Depth and Skeletal "
    "Dataset, Eurographics 3DOR 2017"
)
# 1960 official training clips, the held-back subjects' among them
_CLIPS = {"train": 1730, "val": 230, "test": 840}


def _shrec17(name: str, key: str, labels: tuple[str, ...]) -> Benchmark:
    mirror = [
        (a, b)
        for a in labels
        for b in labels
        if (a.replace("Swipe Right", "Swipe Left") == b or a.replace(" CW", " CCW") == b) and a != b
    ]
    return Benchmark(
        name=name,
        key=key,
        labels=labels,
        splits={split: Split(clips, {"depth": CLIPS_FILE}) for split, clips in _CLIPS.items()},
        pictures={"depth": Pictures(DEPTH_FILE)},
        fps_hz=30.0,
        guidance_window=4,
        download="HandGestureDataset_SHREC2017.tar.gz, or what is in it: train_gestures.txt, "
        "test_gestures.txt and folders gesture_1/finger_1/subject_1/essai_1 of depth pictures and "
        "general_informations.txt",
        request=_REQUEST,
        terms=_TERMS,
        citation=_CITATION,
        packed=True,
        mirror=tuple(mirror),
    )


SHREC17 = _shrec17("SHREC17", "shrec17", GESTURES)
SHREC17_28 = _shrec17(
    "SHREC17-28",
    "shrec17-28",
    tuple(f"{label} ({part})" for label in GESTURES for part in ("finger", "hand")),
)
