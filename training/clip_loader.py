"""From labelled clips on disk to batches, in several processes; evaluation is the live path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from motionrgbd.core.errors import MotionRGBDError, SourceError
from motionrgbd.core.guidance import GuidanceSettings, clip_guidance
from motionrgbd.core.preprocess import PIXEL_MEAN, PIXEL_SCALE
from motionrgbd.core.sampling import bin_indices
from motionrgbd.models.recipe import FrameView, GreyDepth, Modality, Recipe
from motionrgbd.training.augmentation import Augmentation, Draw, noisy_depth
from motionrgbd.training.datasets.reader import read_pictures
from motionrgbd.training.datasets.records import ClipRecord
from motionrgbd.training.datasets.shard_reader import ShardClip

_CODEC_COLOUR = 16  # levels between the channels of a picture that is grey all the same

Clip = ClipRecord | ShardClip
Key = tuple[int, int]  # epoch and place in the list of records
Random = np.random.Generator


@dataclass(frozen=True)
class ClipBatch:
    """Clips as they leave the loader, by modality; the training process normalises them.

    pictures: uint8 (B, T, h, w, C), C = 1 for grey depth. guidance: float32 (B, T, h, w), absent
    where the network takes none. labels: (B,). places: (B,), of the clips in their list.
    """

    pictures: Mapping[str, Tensor]
    guidance: Mapping[str, Tensor]
    labels: Tensor
    places: Tensor

    def inputs(self, modality: str, channels: int) -> tuple[Tensor, Tensor]:
        """Return a clip (B, C, T, h, w) and its maps (B, 1, T, h, w) as networks take them."""
        pixels = self.pictures[modality]
        values = (pixels.float() - PIXEL_MEAN) * (1.0 / PIXEL_SCALE)
        clip = values.expand(*values.shape[:-1], channels).permute(0, 4, 1, 2, 3)
        maps = self.guidance.get(modality)
        if maps is None:
            maps = clip.new_zeros(clip.shape[0], *clip.shape[2:])
        return clip, maps[:, None]


@dataclass(frozen=True)
class ClipReader:
    """Reads one clip as the recipe says; with an augmentation, differently in every epoch.

    guided: whether maps are computed. flips: the label of a mirrored clip, where it differs.
    """

    recipe: Recipe
    modalities: tuple[Modality, ...]
    augmentation: Augmentation | None = None
    guided: bool = True
    flips: Mapping[int, int] = field(default_factory=dict)

    def read(self, record: Clip, rng: Random | None = None, place: int = 0) -> ClipBatch:
        """Return a batch of this clip alone. rng: needed for augmentation. place: in its list.

        Raises SourceError or ModalityError that names what cannot be read.
        """
        if self.augmentation is None:
            indices, draw = bin_indices(record.frames, self.recipe.window), Draw.still(self._view)
        else:
            assert rng is not None
            indices = random_indices(rng, record.frames, self.recipe.window)
            draw = self.augmentation.draw(rng, self._view)
        views = {m: self._pictures(record, m, indices, draw, rng) for m in self.modalities}
        maps = {m: self._maps(view) for m, view in views.items()} if self.guided else {}
        label = self.flips.get(record.label, record.label) if draw.mirrored else record.label
        return ClipBatch(
            {m: torch.from_numpy(view)[None] for m, view in views.items()},
            {m: torch.from_numpy(x)[None] for m, x in maps.items()},
            torch.tensor([label]),
            torch.tensor([place]),
        )

    @property
    def _view(self) -> FrameView:
        view = self.recipe.view
        if not isinstance(view, FrameView):
            raise ValueError("clips of whole pictures are read; a hand view needs its own loader")
        return view

    def _pictures(
        self,
        record: Clip,
        modality: Modality,
        indices: NDArray[np.int64],
        draw: Draw,
        rng: Random | None,
    ) -> NDArray[np.uint8]:
        """Pictures (T, h, w, C); a frame that repeats is read once."""
        chosen, places = np.unique(indices, return_inverse=True)
        pictures = _stored(record, modality, chosen.tolist())
        mapping = self.recipe.depth
        if modality == "depth" and isinstance(mapping, GreyDepth):
            pictures = [_grey(picture, record) for picture in pictures]
            if draw.noise is not None and rng is not None:
                pictures = [noisy_depth(x, mapping, draw.noise, rng) for x in pictures]
        seen = np.stack([draw.applied(x, self._view, self.recipe.size_px) for x in pictures])
        seen = seen if seen.ndim == 4 else seen[..., None]
        return np.ascontiguousarray(seen[places])

    def _maps(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        settings = GuidanceSettings.of(self.recipe)
        return clip_guidance(pictures[..., 0] if pictures.shape[-1] == 1 else pictures, settings)


def random_indices(rng: Random, count: int, window: int) -> NDArray[np.int64]:
    """Return one frame of every bin of `core.sampling.bin_indices`, drawn at random."""
    i = np.arange(window)
    starts, stops = count * i // window, count * (i + 1) // window
    return rng.integers(starts, np.maximum(starts + 1, stops))


def _stored(clip: Clip, modality: Modality, indices: Sequence[int]) -> list[NDArray[np.uint8]]:
    if isinstance(clip, ClipRecord):
        return read_pictures(clip, modality, indices)
    return clip.pictures(modality, indices)


def _grey(picture: NDArray[np.uint8], record: Clip) -> NDArray[np.uint8]:
    """One of three equal channels of a picture; a video codec may have left it a little colour."""
    colour = picture.max(axis=2) - picture.min(axis=2)
    if not colour.any():
        return picture[..., 0]
    if colour.max() <= _CODEC_COLOUR:
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    raise SourceError(
        f"the depth pictures of clip {record.name} are coloured; this set's are grey — prepare "
        "it again with `motionrgbd data prepare`"
    )


class _Clips(Dataset[ClipBatch | MotionRGBDError]):
    """What the loading processes hold: records and how to read them."""

    def __init__(self, records: Sequence[ClipRecord], reader: ClipReader, seed: int) -> None:
        self._records, self._reader, self._seed = records, reader, seed

    def __getitem__(self, key: Key) -> ClipBatch | MotionRGBDError:
        epoch, place = key
        try:
            return read_seeded(self._reader, self._records[place], (self._seed, epoch, place))
        except MotionRGBDError as error:  # raised in a worker it would lose its one line
            return error


def read_seeded(reader: ClipReader, clip: Clip, key: tuple[int, int, int]) -> ClipBatch:
    """Return a clip as seed, epoch and its place have it, wherever it is stored."""
    cv2.setNumThreads(1)  # the processes are the parallelism
    return reader.read(clip, np.random.default_rng(key), key[-1])


class _Order(Sampler[list[Key]]):
    """The batches of an epoch: a shuffled list for training, cut into this process's parts."""

    def __init__(self, count: int, batch: int, seed: int | None, rank: int, world: int) -> None:
        self._count, self._batch, self._seed = count, batch, seed
        self._rank, self._world = rank, world
        self.epoch = 0

    def __len__(self) -> int:
        whole = self._batch * self._world
        if self._seed is None:
            return -(-self._count // whole)
        return max(1, self._count // whole)

    def __iter__(self) -> Iterator[list[Key]]:
        order = np.arange(self._count)
        if self._seed is not None:
            order = np.random.default_rng((self._seed, self.epoch)).permutation(self._count)
            order = np.resize(order, len(self) * self._batch * self._world)  # short sets repeat
        for n in range(len(self)):
            start = (n * self._world + self._rank) * self._batch
            yield [(self.epoch, int(place)) for place in order[start : start + self._batch]]


class ClipLoader:
    """Batches of `batch` clips of a list, this process's share of them.

    With a seed the list is shuffled in every epoch and whole batches are taken of it; without,
    each clip comes once, in order. Batches depend on seed, epoch and rank alone, not on `workers`.
    workers: processes that read; 0 reads in the calling thread.
    """

    def __init__(
        self,
        records: Sequence[ClipRecord],
        reader: ClipReader,
        batch: int,
        *,
        seed: int | None = None,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._order = _Order(len(records), batch, seed, rank, world)
        self._loader = in_processes(
            workers,
            _Clips(records, reader, seed or 0),
            batch_sampler=self._order,
            collate_fn=_collated,
        )

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return len(self._order)

    def epoch(self, epoch: int) -> Iterator[ClipBatch]:
        """Yield an epoch's batches. Raises what reading a clip raises."""
        self._order.epoch = epoch
        yield from checked(self._loader)


def in_processes(
    workers: int, dataset: Dataset[Any], **batches: Any
) -> DataLoader[ClipBatch | MotionRGBDError]:
    """Return a loader whose processes outlive an epoch. batches: how `DataLoader` makes them."""
    return DataLoader(
        dataset,
        num_workers=workers,
        # a fork of a process with threads can hang
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=workers > 0,
        pin_memory=False,
        **batches,
    )


def checked(batches: Iterable[ClipBatch | MotionRGBDError]) -> Iterator[ClipBatch]:
    """Yield batches; raise the error that came in place of one."""
    for batch in batches:
        if isinstance(batch, MotionRGBDError):
            raise batch
        yield batch


def _collated(clips: Sequence[ClipBatch | MotionRGBDError]) -> ClipBatch | MotionRGBDError:
    whole: list[ClipBatch] = []
    for clip in clips:
        if isinstance(clip, MotionRGBDError):
            return clip
        whole.append(clip)
    return joined(whole)


def joined(clips: Sequence[ClipBatch]) -> ClipBatch:
    """Return one batch of several."""
    first = clips[0]
    return ClipBatch(
        {m: torch.cat([clip.pictures[m] for clip in clips]) for m in first.pictures},
        {m: torch.cat([clip.guidance[m] for clip in clips]) for m in first.guidance},
        torch.cat([clip.labels for clip in clips]),
        torch.cat([clip.places for clip in clips]),
    )
