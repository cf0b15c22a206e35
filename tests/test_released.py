"""Opening released checkpoints: what is read off the tensors, and what is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.released import (
    ReleasedFusionNetwork,
    ReleasedUnimodalNetwork,
    load_released,
)
from motionrgbd.models.unimodal import UnimodalNetwork

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = NetworkConfig(
    classes=5, window=8, branches=(2, 4, 6), blocks=1, recoupling_hidden=128, recoupling_heads=2
)
Checkpoint = dict[str, Tensor]


def state_dict(config: NetworkConfig) -> Checkpoint:
    torch.manual_seed(0)
    fused = len(config.modalities) == 2
    return dict((FusionNetwork(config) if fused else UnimodalNetwork(config)).state_dict())


@pytest.fixture(scope="module")
def whole() -> Checkpoint:
    return state_dict(SMALL)


@pytest.fixture
def checkpoint(whole: Checkpoint) -> Checkpoint:
    return dict(whole)


def pictures(batch: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, 8, 32, 32, generator=g), torch.rand(
        batch, 1, 8, 32, 32, generator=g
    )


def unimodal(source: Checkpoint) -> ReleasedUnimodalNetwork:
    network = load_released(source, benchmark="NvGesture")
    assert isinstance(network, ReleasedUnimodalNetwork)
    return network


def test_sizes_come_from_the_tensors(checkpoint: Checkpoint) -> None:
    network = unimodal(checkpoint)
    assert network.config == SMALL
    assert network.benchmark == "NvGesture"
    assert not network.training


def test_every_wrapping_of_a_checkpoint_is_the_same_network(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    expected = unimodal(checkpoint)(*pictures()).logits
    parallel = {f"module.{name}": x for name, x in checkpoint.items()}
    file = tmp_path / "model.pth"
    torch.save({"model": parallel, "optimizer": {}, "epoch": 3, "bestacc": 0.5}, file)
    for source in (parallel, {"model": checkpoint, "epoch": 3}, file, str(file)):
        network = load_released(source, benchmark="NvGesture")
        assert torch.equal(network(*pictures()).logits, expected)


@torch.no_grad()
def test_evaluation_is_deterministic_and_keeps_the_batch_axis(checkpoint: Checkpoint) -> None:
    network = unimodal(checkpoint)
    one = network(*pictures())
    assert one.logits.shape == one.small.shape == (1, 5)
    assert one.features.shape == (1, 8, 512)
    assert torch.equal(network(*pictures()).logits, one.logits)
    clip, guidance = (torch.cat(x) for x in zip(pictures(seed=1), pictures(), strict=True))
    torch.testing.assert_close(network(clip, guidance).logits[1:], one.logits, rtol=1e-4, atol=1e-4)
    highest = torch.stack((one.small, one.medium, one.large)).amax(dim=0)
    assert torch.equal(one.logits, highest)


@torch.no_grad()
def test_training_draws_dropouts_and_takes_picks_and_temperature(checkpoint: Checkpoint) -> None:
    network = unimodal(checkpoint)
    output = network(*pictures())
    picks = [0, 4], [0, 2, 4, 6], [0, 1, 3, 4, 6, 7]
    assert not torch.equal(network(*pictures(), picks=picks).logits, output.logits)
    torch.testing.assert_close(network(*pictures(), temperature=0.14).small * 2, output.small)
    network.train()
    assert not torch.equal(network(*pictures(2)).small, network(*pictures(2)).small)


@torch.no_grad()
def test_network_without_guidance_ignores_it(checkpoint: Checkpoint) -> None:
    del checkpoint["frp_module.rpconv1d.weight"]
    network = unimodal(checkpoint)
    assert not network.config.guided
    clip, guidance = pictures()
    assert torch.equal(network(clip, guidance).logits, network(clip, 1 - guidance).logits)


@torch.no_grad()
def test_fusion_network_scores_are_the_sum_of_three() -> None:
    fused = state_dict(replace(SMALL, modalities=("color", "depth")))
    network = load_released(fused, benchmark="THU-READ")
    assert isinstance(network, ReleasedFusionNetwork)
    assert network.benchmark == "THU-READ"
    (color, color_guidance), (depth, depth_guidance) = pictures(), pictures(seed=1)
    output = network(color, depth, color_guidance, depth_guidance)
    assert output.scores.shape == (1, 5)
    assert torch.equal(output.scores, output.color + output.depth + output.fusion)
    swapped = network(depth, color, depth_guidance, color_guidance)
    assert not torch.allclose(swapped.scores, output.scores)


@torch.no_grad()
def test_spatial_interaction_reinterprets_memory() -> None:
    fused = state_dict(replace(SMALL, modalities=("color", "depth")))
    network = load_released(fused, benchmark="NTU")
    assert isinstance(network, ReleasedFusionNetwork)
    x, y = (torch.randn(2, 8, 512, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    both = torch.cat((x, y), dim=2)
    both = both / both.norm(dim=2, keepdim=True)
    plain = network.crossFusion(both.contiguous().view(2, 1024, 8)[..., None])
    plain = plain.contiguous().view(2, 8, 512)
    torch.testing.assert_close(network.interact(x, y), plain)
    assert not torch.allclose(FusionNetwork.interact(network, x, y), plain)


def test_loading_leaves_the_callers_tensors_alone(checkpoint: Checkpoint) -> None:
    name = "dtn.rcm.q.weight"
    before = checkpoint[name].clone()
    with torch.no_grad():
        unimodal(checkpoint).dtn.rcm.q.weight.zero_()
    assert torch.equal(checkpoint[name], before)


def test_unknown_benchmark_names_the_five(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match="NvGesture, IsoGD, THU-READ, NTU, Jester"):
        load_released(checkpoint, benchmark="nvgesture")


def test_missing_extra_and_misshapen_tensors_are_named_together(checkpoint: Checkpoint) -> None:
    del checkpoint["LinearMap.1.bias"]
    checkpoint["extra.weight"] = torch.zeros(2, 3)
    checkpoint["Conv3d_1a_7x7.conv3d.weight"] = torch.zeros(64, 1, 1, 7, 7)
    with pytest.raises(CheckpointError) as refusal:
        unimodal(checkpoint)
    message = str(refusal.value)
    assert "missing LinearMap.1.bias (512,)" in message
    assert "unexpected extra.weight (2, 3)" in message
    assert "Conv3d_1a_7x7.conv3d.weight should be (64, 3, 1, 7, 7)" in message
    assert "got (64, 1, 1, 7, 7)" in message
    assert "\n" not in message


def test_a_dozen_tensors_are_named_and_the_rest_counted() -> None:
    with pytest.raises(CheckpointError, match=r"; and \d+ more$") as refusal:
        load_released({"stranger": torch.zeros(1)}, benchmark="IsoGD")
    assert str(refusal.value).count(";") == 12


@pytest.mark.parametrize("name", ["dtn.rcm.q.weight", "dtn.mlp_head_small.1.weight"])
def test_a_missing_tensor_that_sizes_come_from_is_named(checkpoint: Checkpoint, name: str) -> None:
    del checkpoint[name]
    with pytest.raises(CheckpointError, match=f"missing {name}"):
        unimodal(checkpoint)


def test_values_that_are_not_finite_are_named(checkpoint: Checkpoint) -> None:
    name = "dtn.rcm.k.weight"
    checkpoint[name] = checkpoint[name].clone()
    checkpoint[name][0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=f"NaN or infinite values: {name}"):
        unimodal(checkpoint)


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("code ran",)


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "picture", "cut", "list"])
def test_files_that_are_no_checkpoint_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "model.pth"
    if kind == "folder":
        file.mkdir()
    elif kind == "list":
        torch.save([1, 2], file)
    elif kind == "cut":
        torch.save({"a": torch.zeros(1000)}, file)
        file.write_bytes(file.read_bytes()[:900])
    elif kind != "missing":
        content = {"empty": b"", "text": b"hello, world\n", "picture": b"\x89PNG\r\n\x1a\n" * 20}
        file.write_bytes(content[kind])
    with pytest.raises(CheckpointError) as refusal:
        load_released(file, benchmark="NvGesture")
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_that_would_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], zipped: bool
) -> None:
    file = tmp_path / "model.pth"
    if zipped:
        torch.save({"model": Payload()}, file)
    else:
        file.write_bytes(pickle.dumps({"model": Payload()}))
    with pytest.raises(CheckpointError, match="never opened"):
        load_released(file, benchmark="NvGesture")
    assert capsys.readouterr().out == ""


def test_entries_that_are_no_tensors_are_named(checkpoint: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match="epoch: int"):
        load_released({**checkpoint, "epoch": 3}, benchmark="NvGesture")
    with pytest.raises(CheckpointError, match="'model' should be a dictionary, got int"):
        load_released({"model": 3}, benchmark="NvGesture")
    with pytest.raises(CheckpointError, match="no tensors"):
        load_released({}, benchmark="NvGesture")
