"""How the released networks see frames: the settings that their checkpoints do not hold.

Torch-free. Sizes and rules as the released code has them; what a live stream adds is marked.
"""

from __future__ import annotations

from collections.abc import Callable

from motionrgbd.models.recipe import FrameView, GreyDepth, MaskedJetDepth, Recipe

WINDOW = 64
_CENTRE_224_OF_256 = FrameView((256, 256), (16, 16, 240, 240))
# A live camera's depth has millimetres; these ranges put a person at 0.5 to 2.5 m into 8 bits.
_NEARER_IS_BRIGHTER = GreyDepth("brighter_is_nearer", near_mm=200, step_mm=8)
_NEARER_IS_DARKER = GreyDepth("darker_is_nearer", near_mm=500, step_mm=10)

# Sets that stretch every clip to the window have no rate of their own. A live window lasts as long
# as the median clip of the official lists (training, validation and test together):
_ISOGD_SPAN_S = 38 / 10  # 38 frames of 47,931 clips at 10 Hz
_THU_READ_SPAN_S = 160.5 / 30  # 160.5 frames of 960 clips at 30 Hz
_NTU_SPAN_S = 76 / 30  # 76 frames of 56,880 clips at 30 Hz
_JESTER_SPAN_S = 36 / 12  # 20BN-Jester V1: 3 s at 12 Hz


def released_recipe(benchmark: str, *, span_s: float | None = None) -> Recipe:
    """Return the recipe of a released network's benchmark.

    span_s: how long a live window lasts, for the sets that stretch their clips; NvGesture has a
    rate of its own. Raises ValueError for a benchmark that is not known, or a span where there is
    a rate.
    """
    if benchmark not in _RECIPES:
        raise ValueError(f"unknown benchmark {benchmark!r}: use one of {', '.join(_RECIPES)}")
    if benchmark == "NvGesture" and span_s is not None:
        raise ValueError("NvGesture has a rate of 24 Hz; its span cannot be set")
    return _RECIPES[benchmark](span_s)


def released_labels(benchmark: str, classes: int) -> tuple[str, ...]:
    """Return the classes by the names or numbers of the official lists, in the labels' order.

    Jester stays numbers: the label files in circulation differ in order, and the authors' is not
    among them.
    """
    if benchmark == "THU-READ" and classes == len(_THU_READ_LABELS):
        return _THU_READ_LABELS
    if benchmark == "NTU":
        return tuple(f"A{i + 1:03d}" for i in range(classes))
    return tuple(str(i + 1) for i in range(classes))


def _nvgesture(_span_s: float | None) -> Recipe:
    # 64 samples of 80 frames at 30 Hz; the corner of the crop is not the centre
    view = FrameView((256, 256), (32, 32, 256, 256))
    return Recipe(
        "NvGesture", 24.0, WINDOW, (224, 224), view, _NEARER_IS_BRIGHTER, guidance_window=4
    )


def _isogd(span_s: float | None) -> Recipe:
    return _stretched("IsoGD", span_s or _ISOGD_SPAN_S, _CENTRE_224_OF_256, _NEARER_IS_DARKER)


def _thu_read(span_s: float | None) -> Recipe:
    view = FrameView((320, 240), (60, 20, 260, 220))  # 200 px, resized to 224
    return _stretched("THU-READ", span_s or _THU_READ_SPAN_S, view, _NEARER_IS_DARKER)


def _ntu(span_s: float | None) -> Recipe:
    view = FrameView((320, 240), (48, 8, 272, 232))
    return _stretched("NTU", span_s or _NTU_SPAN_S, view, MaskedJetDepth())


def _jester(span_s: float | None) -> Recipe:
    return _stretched("Jester", span_s or _JESTER_SPAN_S, _CENTRE_224_OF_256, GreyDepth())


def _stretched(
    name: str, span_s: float, view: FrameView, depth: GreyDepth | MaskedJetDepth
) -> Recipe:
    return Recipe(
        name, WINDOW / span_s, WINDOW, (224, 224), view, depth, guidance_window=10, span_s=span_s
    )


_RECIPES: dict[str, Callable[[float | None], Recipe]] = {
    "NvGesture": _nvgesture,
    "IsoGD": _isogd,
    "THU-READ": _thu_read,
    "NTU": _ntu,
    "Jester": _jester,
}

_THU_READ_LABELS = tuple(
    label
    for line in (
        "zip_up close_drawer open_laptop use_mobilephone cut_paper draw_paper stir open_drawer",
        "wear_watch water_plant clean_table cut_fruit use_mouse push_button bounce_ball manicure",
        "fetch_water wear_glove use_chopstick sweep_floor tear_paper open_door wave_hand",
        "throw_paperplane clap_hand tie_shoelaces use_stapler write twist_towel lift_weights",
        "wash_fruit fold umbrella wash_hand squeeze_toothpaste insert_tube plug thumb knock_door",
        "read_book",
    )
    for label in line.split()
)
