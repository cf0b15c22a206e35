"""A bundle is whole and agrees with itself, or it is refused with the reason."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from motionrgbd.models.bundle import Bundle, Card, load_bundle, write_bundle
from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import BundleError
from motionrgbd.models.onnx_shapes import output_shapes
from motionrgbd.models.recipe import FrameView, Recipe

LABELS = ("grab", "tap", "swipe")


def graph(output: str, classes: int) -> bytes:
    """A graph that copies its input: enough to have an output shape."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, classes))
        for name in ("x", output)
    ]
    node = helper.make_node("Identity", ["x"], [output])
    body = helper.make_graph([node], "g", ends[:1], ends[1:])
    model: onnx.ModelProto = helper.make_model(body)
    return model.SerializeToString()


def make_bundle(**changes: object) -> Bundle:
    parts = {
        "kind": "streaming",
        "config": NetworkConfig(classes=3, window=8, image_size=40, temporal_pool="causal"),
        "recipe": Recipe("tiny", 24.0, 8, (40, 40), FrameView((40, 40), (0, 0, 40, 40))),
        "labels": LABELS,
        "decision": {"threshold": 0.5},
        "card": Card(data="none", scores={"top1": 0.9}),
        "graphs": {"color": graph("feature", 512), "window": graph("fused", 3)},
        "weights": b"weights",
    }
    return Bundle(**{**parts, **changes})  # type: ignore[arg-type]


def rewrite(path: Path, change: dict[str, bytes | None]) -> None:
    """Replace, add or (None) remove members behind the manifest's back."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()} | change
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


def test_written_bundle_reads_back(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "a.mrgbd", make_bundle())
    loaded = load_bundle(tmp_path / "a.mrgbd")
    for field in dataclasses.fields(Bundle):
        assert getattr(loaded, field.name) == getattr(bundle, field.name), field.name
    assert loaded.modalities == ("color",)
    assert loaded.precisions == ("fp32",)


def test_equal_bundles_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_bundle(tmp_path / name, make_bundle())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_is_left_of_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_bundle(tmp_path / "a", make_bundle())
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"before"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such file"):
        load_bundle(tmp_path / "none.mrgbd")


def test_not_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x80\x04not a zip")
    with pytest.raises(BundleError, match="not a model bundle"):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_truncated(tmp_path: Path, share: float) -> None:
    write_bundle(tmp_path / "a", make_bundle())
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BundleError, match="cut short"):
        load_bundle(tmp_path / "a")


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    write_bundle(tmp_path / "a", make_bundle())
    data = (tmp_path / "a").read_bytes()
    at = data.index(b"weights", data.index(b"weights.safetensors") + 10)
    (tmp_path / "a").write_bytes(data[:at] + b"W" + data[at + 1 :])
    with pytest.raises(BundleError):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"weights.safetensors": b"Weights"}, "hash does not match"),
        ({"weights.safetensors": None}, "members are missing: weights"),
        ({"graphs/depth.onnx": b"x"}, "does not list: graphs/depth"),
        ({"manifest.json": None}, "no manifest"),
        ({"manifest.json": b"{"}, "manifest.json is damaged"),
        ({"manifest.json": b"[1]"}, "not a model bundle"),
    ],
)
def test_tampered(tmp_path: Path, change: dict[str, bytes | None], reason: str) -> None:
    write_bundle(tmp_path / "a", make_bundle())
    rewrite(tmp_path / "a", change)
    with pytest.raises(BundleError, match=reason):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", 4, r"newer than this program reads \(3\); upgrade"),
        ("format", "1", "format is '1'"),
        ("recipe", {"name": "x"}, "recipe in this file cannot be read"),
        ("kind", "pickle", "no kind 'pickle'"),
        ("labels", ["grab", "tap"], "2 labels for 3 classes"),
        ("labels", ["grab", "tap", "tap"], "two labels are the same"),
        ("modalities", ["depth"], "modalities"),
        ("sha256", None, "no hashes"),
        ("config", {"classes": 3, "windows": 8}, "unknown fields"),
    ],
)
def test_impossible_manifest(tmp_path: Path, key: str, value: object, reason: str) -> None:
    write_bundle(tmp_path / "a", make_bundle())
    with zipfile.ZipFile(tmp_path / "a") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest[key] = value
    rewrite(tmp_path / "a", {"manifest.json": json.dumps(manifest).encode()})
    with pytest.raises(BundleError, match=reason):
        load_bundle(tmp_path / "a")


@pytest.mark.parametrize("field", ["fps_hz", "window", "size_px"])
def test_absurd_recipe(tmp_path: Path, field: str) -> None:
    write_bundle(tmp_path / "a", make_bundle())
    with zipfile.ZipFile(tmp_path / "a") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["recipe"][field] = {"fps_hz": -1, "window": 10**9, "size_px": [10**6, 10**6]}[field]
    rewrite(tmp_path / "a", {"manifest.json": json.dumps(manifest).encode()})
    with pytest.raises(BundleError):
        load_bundle(tmp_path / "a")


HAND = {"kind": "hand", "side_m": 0.3, "near_m": 0.15, "far_m": 0.9, "smoothing": 0.5}
RELATIVE = {"kind": "relative", "step_mm": 1.5}
GREY = {"kind": "grey", "direction": "brighter_is_nearer", "near_mm": 200, "step_mm": 4}
FRAME = {"kind": "frame", "resize_px": [40, 40], "crop_px": [0, 0, 40, 40]}


@pytest.mark.parametrize(
    "change",
    [
        {"guidance_window": 10**9},
        {"guidance_window": 4.5},
        {"window": 8.0},
        {"depth": RELATIVE},
        {"view": HAND},
        {"view": HAND | {"side_m": 1e9}, "depth": RELATIVE},
        {"view": HAND | {"near_m": -1}, "depth": RELATIVE},
        {"view": HAND | {"far_m": 1e12}, "depth": RELATIVE},
        {"view": HAND | {"smoothing": 2}, "depth": RELATIVE},
        {"view": HAND, "depth": RELATIVE | {"step_mm": 0}},
        {"view": FRAME | {"crop_px": [5, 5, 2, 2]}},
        {"view": FRAME | {"crop_px": [0, 0, 10**6, 10**6]}},
        {"view": FRAME | {"resize_px": [10**6, 10**6]}},
        {"view": FRAME | {"resize_px": [40]}},
        {"depth": GREY | {"direction": "inverse"}},
        {"depth": GREY | {"step_mm": 0}},
        {"depth": {"kind": "masked_jet", "crop_px": [0, 0], "min_contour_px": 1}},
    ],
    ids=str,
)
def test_a_recipe_that_would_fail_at_the_first_frame(change: dict[str, Any]) -> None:
    fields = make_bundle().recipe.to_json()
    assert Recipe.from_json(fields) == make_bundle().recipe
    with pytest.raises(BundleError, match="recipe"):
        Recipe.from_json(fields | change)


def test_graph_of_another_width() -> None:
    with pytest.raises(BundleError, match="graph color gives 256 features, the network 512"):
        make_bundle(graphs={"color": graph("feature", 256), "window": graph("fused", 3)})


def test_graph_that_scores_other_classes() -> None:
    with pytest.raises(BundleError, match=r"window scores \(1, 4\), but there are 3 labels"):
        make_bundle(graphs={"color": graph("feature", 512), "window": graph("fused", 4)})


def test_graph_that_is_not_onnx() -> None:
    with pytest.raises(BundleError, match="graph window is not ONNX"):
        make_bundle(graphs={"color": graph("feature", 512), "window": b"\xff\xff\xff"})


def test_missing_graph() -> None:
    with pytest.raises(BundleError, match=r"no graph \['window'\]"):
        make_bundle(graphs={"color": graph("feature", 512)})


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", "{}")
    (tmp_path / "a").write_bytes(buffer.getvalue())
    with pytest.raises(BundleError, match="compressed"):
        load_bundle(tmp_path / "a")


def test_quantised_graph_is_chosen() -> None:
    graphs = {"color": graph("feature", 512), "window": graph("fused", 3)}
    bundle = make_bundle(graphs={**graphs, "color.int8": graph("features", 512)})
    assert bundle.precisions == ("fp32", "int8")
    assert bundle.graph("color", "int8") != bundle.graph("color")
    assert bundle.graph("window", "int8") == bundle.graph("window")  # left in float32
    with pytest.raises(BundleError, match="no int8"):
        make_bundle().graph("color", "int8")


def test_output_shapes_are_onnx_own() -> None:
    model = onnx.load_model_from_string(graph("fused", 7))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    assert output_shapes(model.SerializeToString()) == {"fused": (None, 7)}


def test_what_cannot_be_a_bundle_is_not_read_whole(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a file"):
        load_bundle("/dev/zero")
    large = tmp_path / "recording.bag"
    with large.open("wb") as file:
        file.truncate(50_000_000_000)  # sparse: more than memory holds
    with pytest.raises(BundleError):
        load_bundle(large)
