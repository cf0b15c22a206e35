"""Whether a bundle, opened as the engine opens it, gives the scores of the network it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motionrgbd.core.results import FloatArray
from motionrgbd.core.runner import NetworkInput, Runner, Scores, make_runner
from motionrgbd.models.bundle import Bundle, Precision
from motionrgbd.models.dsn import DSN
from motionrgbd.models.errors import ParityError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.graphs_window import WindowScores
from motionrgbd.models.recipe import MODALITIES, Modality
from motionrgbd.models.streaming import StreamingNetwork
from motionrgbd.models.unimodal import UnimodalNetwork

FEATURE_TOLERANCE = 1e-5  # relative, norm: float32 sums in another order
SCORE_TOLERANCE = 1e-3  # the k-NN selection is discontinuous: one neighbour swapped is allowed
QUANTISED_FEATURES, QUANTISED_SCORES = 0.1, 0.15  # wrong settings were 16-20 % off
Doubles = NDArray[np.float64]
_EXTRA = 6  # frames beyond a window: both edges have moved


@dataclass(frozen=True)
class Network:
    """A network in torch and what its streams are fed with: the definition of a bundle's scores.

    falls_back, groups: of its window graph (`models/graphs_window.py`).
    """

    module: StreamingNetwork | UnimodalNetwork | FusionNetwork
    modalities: tuple[Modality, ...]
    falls_back: bool = False
    groups: tuple[int, ...] | None = None

    def window_scores(self) -> WindowScores:
        """The per-window part, as it is exported."""
        return WindowScores(
            self.module, self.modalities, falls_back=self.falls_back, groups=self.groups
        )

    def dsn(self, modality: Modality) -> DSN:
        """The per-frame part of one modality."""
        if isinstance(self.module, StreamingNetwork):
            return self.module.streams[self.modalities.index(modality)]
        if isinstance(self.module, FusionNetwork):
            parts = {"color": self.module.Modalit_rgb, "depth": self.module.Modalit_depth}
            return parts[modality]
        return self.module

    @torch.no_grad()
    def features(self, modality: Modality, images: FloatArray, guidance: FloatArray) -> FloatArray:
        """Features (L, D) of whole clips, images (L, C, h, w), guidance (L, h, w)."""
        clip = torch.from_numpy(images).transpose(0, 1)[None]  # (1, C, L, h, w)
        maps = torch.from_numpy(guidance)[None, None]  # (1, 1, L, h, w)
        return np.asarray(self.dsn(modality).spatial(clip, maps)[0].numpy())

    @torch.no_grad()
    def window(
        self,
        features: list[FloatArray],
        motion: list[FloatArray],
        present: Sequence[Modality] | None = None,
    ) -> dict[str, FloatArray]:
        """Outputs of a window by name, features (T, D) and motion (T, E) per modality.

        present: the modalities that are there; None stands for all.
        """
        scores = self.window_scores()
        inputs: list[Tensor] = [torch.from_numpy(x)[None] for x in (*features, *motion)]
        if self.falls_back:
            there = self.modalities if present is None else present
            inputs.append(torch.tensor([[float(m in there) for m in self.modalities]]))
        outputs = zip(scores.output_names(), scores(*inputs), strict=True)
        return {name: x[0].numpy() for name, x in outputs}


@dataclass(frozen=True, eq=False)
class Clip:
    """One stream by modality: images (L, C, h, w), guidance (L, h, w), motion (L, E)."""

    images: dict[Modality, FloatArray]
    guidance: dict[Modality, FloatArray]
    motion: dict[Modality, FloatArray]

    def frames(self, there: Sequence[Modality] = MODALITIES) -> Iterator[NetworkInput]:
        """Yield the frames as the engine hands them to a runner, with these modalities."""
        count = len(next(iter(self.images.values())))
        for n in range(count):
            parts = {str(m): x[n] for m, x in self.images.items() if m in there}
            parts |= {f"{m}_guidance": x[n] for m, x in self.guidance.items() if m in there}
            parts |= {f"{m}_motion": x[n] for m, x in self.motion.items() if m in there}
            yield NetworkInput(**parts)


def check_parity(
    bundle: Bundle,
    network: Network,
    *,
    precision: Precision = "fp32",
    clips: Sequence[Clip] = (),
) -> None:
    """Raise ParityError unless the bundle's runner gives the network's features and scores.

    clips: streams longer than a window that go through the whole runner; without any, one random
    and one moving picture. A network that falls back then loses each of its modalities. Graphs of
    8-bit integers have tolerances of their own.
    """
    runner = make_runner(bundle, "cpu", precision=precision)
    exact = precision == "fp32"
    feature_limit = FEATURE_TOLERANCE if exact else QUANTISED_FEATURES
    score_limit = SCORE_TOLERANCE if exact else QUANTISED_SCORES
    length = bundle.config.window + _EXTRA
    drawn = [("random", random_clip(bundle, length)), ("moving", moving_clip(bundle, length))]
    given = [(f"performed {n + 1}.", clip) for n, clip in enumerate(clips)]
    for name, clip in given or drawn:
        for absent in (None, *(bundle.modalities if bundle.falls_back else ())):
            there = tuple(m for m in bundle.modalities if m != absent)
            runner.reset()
            scores = _run(runner, clip, there)
            what = f"of the {name} stream" + (f" without {absent}" if absent else "")
            for modality in there:
                got = runner.window_features()[modality]
                expected = whole_features(bundle, network, clip, modality)
                _compare(f"{modality} features {what}", got, expected, feature_limit)
            windows = [runner.window_features()[m] for m in bundle.modalities]
            energies = [clip.motion[m][-bundle.config.window :] for m in clip.motion]
            answers = network.window(windows, energies, there)
            _compare(f"scores {what}", scores.fused, answers["fused"], score_limit)
            for modality, alone in (("color", scores.color), ("depth", scores.depth)):
                if alone is not None:
                    expected = answers[f"{modality}_scores"]
                    _compare(f"scores of {modality} {what}", alone, expected, score_limit)


def whole_features(bundle: Bundle, network: Network, clip: Clip, modality: Modality) -> FloatArray:
    """Features (T, D) of the clip's last window, as the bundle's kind defines them."""
    T = bundle.config.window
    images, guidance = clip.images[modality], clip.guidance[modality]
    if bundle.kind == "released-exact":  # the window is all there is, and starts with zero maps
        images, guidance = images[-T:], guidance[-T:].copy()
        guidance[: bundle.recipe.guidance_window - 1] = 0.0
    return network.features(modality, images, guidance)[-T:]


def random_clip(bundle: Bundle, length: int, seed: int = 0) -> Clip:
    """Frames and maps of independent noise: nothing stays the same from frame to frame."""
    rng = np.random.default_rng(seed)
    return _clip(
        bundle,
        lambda c, h, w: rng.uniform(-1, 1, (length, c, h, w)),
        lambda h, w: rng.uniform(0, 2, (length, h, w)),
        rng.uniform(0, 1, (length, bundle.config.energies)),
    )


def moving_clip(bundle: Bundle, length: int) -> Clip:
    """A bright disc that crosses a dark picture; its trail is the map. Mostly flat, as depth is."""

    def disc(h: int, w: int, n: int) -> Doubles:
        y, x = np.mgrid[:h, :w]
        centre = w * (0.2 + 0.6 * n / length), h * (0.5 + 0.3 * np.sin(n / 5))
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < (0.15 * w) ** 2
        return np.asarray(inside, np.float64)

    return _clip(
        bundle,
        lambda c, h, w: np.stack(
            [np.tile(2 * disc(h, w, n) - 1, (c, 1, 1)) for n in range(length)]
        ),
        lambda h, w: np.stack(
            [np.clip(disc(h, w, n) - disc(h, w, n - 2), 0, 1) * 2 for n in range(length)]
        ),
        np.linspace(0, 1, length * bundle.config.energies).reshape(length, -1),
    )


def _clip(
    bundle: Bundle,
    images: Callable[[int, int, int], Doubles],
    guidance: Callable[[int, int], Doubles],
    motion: Doubles,
) -> Clip:
    width, height = bundle.recipe.size_px
    w = bundle.recipe.guidance_window
    maps: dict[Modality, FloatArray] = {}
    for m in bundle.modalities:
        maps[m] = np.asarray(guidance(height, width), np.float32)
        maps[m][: w - 1] = 0.0  # as the engine's guidance starts a stream
    return Clip(
        {
            m: np.asarray(images(bundle.config.channels(m), height, width), np.float32)
            for m in bundle.modalities
        },
        maps,
        {m: np.asarray(motion, np.float32) for m in bundle.modalities if bundle.config.energies},
    )


def _run(runner: Runner, clip: Clip, there: Sequence[Modality]) -> Scores:
    for frame in clip.frames(there):
        runner.push(frame)
    scores = runner.predict()
    assert scores is not None
    return scores


def _compare(what: str, got: FloatArray, expected: FloatArray, limit: float) -> None:
    error = float(np.linalg.norm(got - expected) / max(float(np.linalg.norm(expected)), 1e-12))
    if not error <= limit:
        raise ParityError(
            f"the exported graphs are not the network: {what} differ by {error:.2e}, "
            f"allowed {limit:.0e}; nothing was written"
        )
