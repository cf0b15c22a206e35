"""The model bundle: one `*.mrgbd` file with everything that runs a network, and nothing that acts.

A stored (uncompressed) zip: `manifest.json`, `graphs/NAME.onnx`, `weights.safetensors` where the
bundle can be trained further, `memory.safetensors` where it can be taught further classes, and
`taught.safetensors` where it was. The manifest holds the SHA-256 of every other member; a bundle
that does not match itself is refused. This module is torch-free and never unpickles.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from motionrgbd.models.config import NetworkConfig
from motionrgbd.models.errors import BundleError
from motionrgbd.models.grouping import Temperatures, groups_problem
from motionrgbd.models.onnx_shapes import input_shapes, output_shapes
from motionrgbd.models.recipe import Modality, Recipe
from motionrgbd.models.taught import Memory, Taught

# 2 added merged classes, temperatures and scores without one modality; 3 taught classes.
# Stored examples (a memory) need no new number: whoever does not teach leaves them unread.
FORMAT = 3
SUFFIX = ".mrgbd"
MANIFEST, WEIGHTS, WINDOW = "manifest.json", "weights.safetensors", "window"
MEMORY, TAUGHT = "memory.safetensors", "taught.safetensors"
PRESENT = "present"  # input (1, 2) of window graphs that score with one modality of two
QUANTISED = ".int8"  # ends the names of quantised graphs
_ZIP_MAGIC = b"PK\x03\x04"
_DATE = (1980, 1, 1, 0, 0, 0)  # the oldest a zip knows: equal contents give equal bytes
_LONGEST_WINDOW, _LARGEST_PX = 4096, 8192  # beyond, a recipe is a damaged or hostile file

Kind = Literal["streaming", "released-live", "released-exact"]
Precision = Literal["fp32", "int8"]


@dataclass(frozen=True)
class Card:
    """Where a model comes from and how good it is, for people.

    data: what it was trained on, with the citation. command, commit: what made it.
    scores: measured results by name. licence: under what terms data and weights may be used.
    color_note: what whoever uses colour alone must know.
    """

    data: str = ""
    command: str = ""
    commit: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    color_note: str = ""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A model that matches itself: graphs, labels, recipe and sizes agree.

    labels: of the network's classes, then of those that were taught.
    graphs: ONNX bytes by name: one per modality for a frame, `window` for the rest; a quantised
    twin ends with `.int8`. decision: the decision stage's parameters, not interpreted here.
    weights: safetensors bytes, or None. sha256: of the whole file.
    groups: the label of each of the network's classes where they are merged, or None.
    memory: stored examples of its classes, or None. taught: classes beside the network's, or None.
    Raises BundleError at birth where the parts contradict each other.
    """

    kind: Kind
    config: NetworkConfig
    recipe: Recipe
    labels: tuple[str, ...]
    decision: Mapping[str, Any]
    card: Card
    graphs: Mapping[str, bytes]
    weights: bytes | None = None
    sha256: str = ""
    groups: tuple[int, ...] | None = None
    temperatures: Temperatures = field(default_factory=Temperatures)
    memory: Memory | None = None
    taught: Taught | None = None

    def __post_init__(self) -> None:
        problem = _contradiction(self)
        if problem:
            raise BundleError(f"the model does not match itself: {problem}")

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What a frame must have, in the network's order."""
        return self.config.modalities  # type: ignore[return-value]

    @property
    def taught_labels(self) -> tuple[str, ...]:
        """The labels that were taught; the last ones of all."""
        return self.taught.labels if self.taught else ()

    @property
    def network_labels(self) -> tuple[str, ...]:
        """The labels that the network scores."""
        return self.labels[: len(self.labels) - len(self.taught_labels)]

    @cached_property
    def falls_back(self) -> bool:
        """Whether one modality of two is enough, as the network was trained for."""
        return PRESENT in input_shapes(self.graphs[WINDOW])

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The choices that `graph` has."""
        quantised = any(name.endswith(QUANTISED) for name in self.graphs)
        return ("fp32", "int8") if quantised else ("fp32",)

    def graph(self, name: str, precision: str = "fp32") -> bytes:
        """Return a graph; where a quantised model left one in float32, that one."""
        if precision not in self.precisions:
            raise BundleError(
                f"this model has no {precision} graphs: use fp32, or export it with --quantise"
            )
        if precision == "int8" and name + QUANTISED in self.graphs:
            return self.graphs[name + QUANTISED]
        return self.graphs[name]


def load_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read and verify a bundle. Raises BundleError with the reason for anything not right."""
    path = Path(path)
    try:
        data = _read(path)
    except FileNotFoundError as error:
        raise BundleError(f"{path}: no such file") from error
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        members = _members(data)
        manifest = _manifest(members)
        _verify(manifest, members)
        return _bundle(manifest, members, hashlib.sha256(data).hexdigest())
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


def _read(path: Path) -> bytes:
    """Return the file; one that cannot be a bundle is not read whole: it may be endless."""
    if path.exists() and not path.is_file():
        raise BundleError(f"{path}: not a file: name a .mrgbd model")
    with path.open("rb") as file:
        head = file.read(len(_ZIP_MAGIC))
        return head + (file.read() if head == _ZIP_MAGIC else b"")


def write_bundle(path: str | os.PathLike[str], bundle: Bundle) -> Bundle:
    """Write a bundle whole or not at all; equal bundles give equal bytes.

    Returns the bundle with its hash. Raises OSError where the file cannot be written.
    """
    path = Path(path)
    data = _pack(bundle)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)  # mkstemp's files are its owner's alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return dataclasses.replace(bundle, sha256=hashlib.sha256(data).hexdigest())


def _pack(bundle: Bundle) -> bytes:
    members = {f"graphs/{name}.onnx": graph for name, graph in sorted(bundle.graphs.items())}
    if bundle.weights is not None:
        members[WEIGHTS] = bundle.weights
    if bundle.memory is not None:
        members[MEMORY] = bundle.memory.to_bytes()
    if bundle.taught is not None:
        members[TAUGHT] = bundle.taught.to_bytes()
    manifest: dict[str, Any] = {
        "format": 1,
        "kind": bundle.kind,
        "config": dataclasses.asdict(bundle.config),
        "recipe": bundle.recipe.to_json(),
        "labels": list(bundle.labels),
        "modalities": list(bundle.modalities),
        "decision": dict(bundle.decision),
        "card": {
            k: v for k, v in dataclasses.asdict(bundle.card).items() if v or k != "color_note"
        },
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    }
    added = _added_since_format_1(bundle)
    if bundle.taught is not None:
        manifest |= {"format": 3, **added}
    elif added or bundle.falls_back or bundle.card.color_note:  # else older programs may read it
        manifest |= {"format": 2, **added}
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {MANIFEST: text.encode(), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return buffer.getvalue()


def _added_since_format_1(bundle: Bundle) -> dict[str, Any]:
    added: dict[str, Any] = {}
    if bundle.groups is not None:
        added["groups"] = list(bundle.groups)
    if bundle.temperatures != Temperatures():
        added["temperatures"] = dataclasses.asdict(bundle.temperatures)
    return added


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise BundleError("not a model bundle: its members are compressed")
            if len({info.filename for info in infos}) != len(infos):
                raise BundleError("a member occurs twice; the file was tampered with")
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise BundleError("not a model bundle, or cut short; copy or download it again") from error


def _manifest(members: Mapping[str, bytes]) -> dict[str, Any]:
    if MANIFEST not in members:
        raise BundleError(f"not a model bundle: no {MANIFEST} inside")
    try:
        manifest = json.loads(members[MANIFEST])
    except (ValueError, RecursionError) as error:
        raise BundleError(f"its {MANIFEST} is damaged: {error}") from error
    number = manifest.get("format") if isinstance(manifest, dict) else None
    if not isinstance(number, int) or number < 1:
        raise BundleError(f"not a model bundle: its format is {number!r}")
    if number > FORMAT:
        raise BundleError(
            f"format {number} is newer than this program reads ({FORMAT}); upgrade with "
            "`git pull` and `pip install .` in the checkout"
        )
    assert isinstance(manifest, dict)
    return manifest


def _verify(manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    hashes = manifest.get("sha256")
    if not isinstance(hashes, dict):
        raise BundleError("its manifest lists no hashes")
    found = set(members) - {MANIFEST}
    if missing := sorted(set(hashes) - found):
        raise BundleError(f"members are missing: {', '.join(missing)}")
    if extra := sorted(found - set(hashes)):
        raise BundleError(f"members that its manifest does not list: {', '.join(extra)}")
    for name, expected in hashes.items():
        if hashlib.sha256(members[name]).hexdigest() != expected:
            raise BundleError(f"{name} was changed or damaged: its hash does not match")


def _bundle(manifest: Mapping[str, Any], members: Mapping[str, bytes], sha256: str) -> Bundle:
    graphs = {
        name.removeprefix("graphs/").removesuffix(".onnx"): data
        for name, data in members.items()
        if name.startswith("graphs/")
    }
    try:
        config = NetworkConfig.from_mapping(manifest["config"])
        if list(config.modalities) != manifest["modalities"]:
            raise BundleError("its modalities are not those of its network")
        return Bundle(
            kind=manifest["kind"],
            config=config,
            recipe=Recipe.from_json(manifest["recipe"]),
            labels=tuple(manifest["labels"]),
            decision=dict(manifest["decision"]),
            card=Card(**manifest["card"]),
            graphs=graphs,
            weights=members.get(WEIGHTS),
            sha256=sha256,
            groups=tuple(manifest["groups"]) if "groups" in manifest else None,
            temperatures=Temperatures.from_json(manifest.get("temperatures", {})),
            memory=Memory.from_bytes(members[MEMORY]) if MEMORY in members else None,
            taught=Taught.from_bytes(members[TAUGHT]) if TAUGHT in members else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"its manifest cannot be read: {error!r}") from error


def _contradiction(bundle: Bundle) -> str | None:
    """Return the first thing that cannot be, or None."""
    config, recipe = bundle.config, bundle.recipe
    names = {*config.modalities, WINDOW}
    known = names | {name + QUANTISED for name in names}
    width, height = recipe.size_px
    merging = groups_problem(bundle.groups, config.classes, len(bundle.network_labels))
    checks = (
        (bundle.kind not in get_args(Kind), f"there is no kind {bundle.kind!r}"),
        (not all(isinstance(label, str) for label in bundle.labels), "labels must be text"),
        (len(set(bundle.labels)) != len(bundle.labels), "two labels are the same"),
        (
            bundle.labels != bundle.network_labels + bundle.taught_labels,
            f"its last labels are not those that it was taught: {list(bundle.taught_labels)}",
        ),
        (
            bundle.memory is not None and not set(bundle.memory.labels) <= set(bundle.labels),
            "its stored examples are of other classes",
        ),
        (merging is not None, merging or ""),
        (
            recipe.window != config.window,
            f"the recipe's window is {recipe.window} frames, the network's {config.window}",
        ),
        (recipe.window > _LONGEST_WINDOW, f"a window of {recipe.window} frames"),
        (max(width, height) > _LARGEST_PX, f"pictures of {width}x{height} px"),
        (
            (width, height) != (config.image_size, config.image_size),
            f"pictures of {width}x{height} px for a network of {config.image_size} px",
        ),
        (
            bundle.kind == "released-exact" and recipe.padding != "wait",
            "exact mode scores whole windows only, but the recipe pads them",
        ),
        (
            recipe.motion != bool(config.energies),
            "recipe and network disagree about motion energies",
        ),
        (not names <= set(bundle.graphs), f"no graph {sorted(names - set(bundle.graphs))}"),
        (not set(bundle.graphs) <= known, f"unknown graph {sorted(set(bundle.graphs) - known)}"),
    )
    for wrong, text in checks:
        if wrong:
            return text
    return _wrong_output(bundle)


def _wrong_output(bundle: Bundle) -> str | None:
    """Compare what the graphs give with the labels; None where they agree."""
    for name, graph in bundle.graphs.items():
        try:
            shapes = output_shapes(graph)
        except ValueError as error:
            return f"graph {name} is not ONNX: {error}"
        if name.removesuffix(QUANTISED) != WINDOW:
            width = (shapes.get("feature") or shapes.get("features") or (None,))[-1]
            if width != bundle.config.feature:
                return f"graph {name} gives {width} features, the network {bundle.config.feature}"
            continue
        fused = shapes.get("fused")
        count = len(bundle.network_labels)
        if fused is None or fused[-1:] != (count,):
            return f"graph {name} scores {fused}, but there are {count} labels"
        present = input_shapes(graph).get(PRESENT)
        if (present is not None) != bundle.falls_back:
            return f"graph {name} takes other modalities than its twin"
        if present is not None and (present != (1, 2) or len(bundle.modalities) != 2):
            return f"graph {name} takes {present} modalities, the network has {bundle.modalities}"
    return None
