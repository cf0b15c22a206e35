"""A package of which any file is gone or cut off is not taken for finished."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionrgbd.training.datasets.pack_shrec17 import Packer, Sequence17

SEQUENCES = tuple(Sequence17(g, 1, 2, 1, g, 2 * g - 1, 40, "train") for g in (1, 5))


@pytest.mark.parametrize("name", ["depth_u8.npy.xz", "aux.npz", "clips.csv"])
def test_every_file_of_the_package_counts(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    for sequence in SEQUENCES:
        folder = tmp_path / sequence.target
        folder.mkdir(parents=True)
        depth = rng.integers(0, 256, (32, 50, 50), np.uint8)
        boxes = np.zeros((32, 4), np.int16)
        np.savez(folder / "clip.npz", depth=depth, offset=np.int16(300), boxes=boxes)
    packer = Packer(SEQUENCES)
    packer.finish(tmp_path, complete=False)
    assert packer.is_whole(tmp_path)
    assert not Packer(SEQUENCES[:1]).is_whole(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert not packer.is_whole(tmp_path)
    (tmp_path / name).unlink()
    assert not packer.is_whole(tmp_path)
    packer.finish(tmp_path, complete=False)
    assert packer.is_whole(tmp_path)
