"""What a run leaves in its folder: the state to resume from, weights, and the log."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from motionrgbd.core.errors import OutputError, UsageError
from motionrgbd.models.checkpoint import Checkpoint
from motionrgbd.training.schedule import Schedule
from motionrgbd.training.whole_files import replacing

FORMAT = 1
_MARGIN_BYTES = 64 << 20  # for logs, and whoever else writes to the disk
_LONGEST_TOLD = 100  # characters of a difference


@dataclass
class RunState:
    """Where a run stands after `epochs` whole epochs.

    best: the highest validation figure so far, None before the first. Random states are not in
    it: an epoch's generators are seeded by the schedule's seed, the epoch and the rank.
    """

    epochs: int
    network: dict[str, Tensor]
    average: dict[str, Tensor]
    optimiser: dict[str, Any]
    rates: dict[str, Any]
    best: float | None


def check_same_run(folder: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Raise UsageError where a folder holds a run that was made of something else.

    there, here: what the runs are made of, by name; what is too long to be read is only named.
    """
    there, here = (json.loads(json.dumps(dict(values))) for values in (there, here))  # as kept
    words = []
    for name in here:
        if here[name] != there.get(name):
            told = f"{name} {there.get(name)} there, {here[name]} here"
            words.append(told if len(told) <= _LONGEST_TOLD else f"another {name}")
    if words:
        raise UsageError(
            f"{folder} holds another run ({', '.join(words)}) — choose another folder, or delete it"
        )


class RunFolder:
    """The folder of a run. Whatever is written replaces the old file whole or not at all."""

    def __init__(self, path: Path, schedule: Schedule) -> None:
        self.path, self._schedule = path, schedule
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be made ({error.strerror}) — choose another folder"
            ) from error

    @property
    def _state(self) -> Path:
        return self.path / "resume.pt"

    @property
    def _log(self) -> Path:
        return self.path / "log.jsonl"

    def check_space(self, network: nn.Module, optimiser: Optimizer) -> None:
        """Raise OutputError where the disk cannot take what the run will write."""
        weights = sum(x.numel() * x.element_size() for x in network.state_dict().values())
        moments = 2 if isinstance(optimiser, AdamW) else 1
        # network, average and moments in the state, beside it best and last; the largest twice
        needed = (2 * (2 + moments) + 3) * weights + _MARGIN_BYTES
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise OutputError(
                f"{self.path}: the checkpoints of this run need {needed / 1e6:.0f} MB, "
                f"{free / 1e6:.0f} MB are free — free some space, or choose another folder"
            )

    def load(self) -> RunState | None:
        """Return the state to resume from, None in a new folder.

        Raises UsageError for a run of another schedule, and OutputError for a damaged file.
        """
        if not self._state.is_file():
            return None
        try:
            content = torch.load(self._state, map_location="cpu", weights_only=True)
            version, schedule = content.pop("format"), content.pop("schedule")
            state = RunState(**content) if version == FORMAT else None
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
            raise OutputError(
                f"{self._state} cannot be read; delete it to start the run anew"
            ) from error
        if state is None:
            raise OutputError(f"{self._state} has format {version}; delete it to start anew")
        check_same_run(self.path, schedule, dataclasses.asdict(self._schedule))
        return state

    def save(self, state: RunState) -> None:
        """Keep the state; a run that is killed goes on from here."""
        content = {"format": FORMAT, "schedule": dataclasses.asdict(self._schedule)}
        with replacing(self._state) as part, part.open("wb") as file:
            torch.save(content | vars(state), file)
            file.flush()
            os.fsync(file.fileno())

    def save_weights(self, name: str, network: nn.Module, checkpoint: Checkpoint | None) -> None:
        """Write `NAME.safetensors`: the checkpoint, or without one the network's tensors alone."""
        if checkpoint is None:
            content = save({k: x.contiguous().cpu() for k, x in network.state_dict().items()})
        else:
            content = checkpoint.to_bytes()
        with replacing(self.path / f"{name}.safetensors") as part:
            part.write_bytes(content)

    def cut_log(self, epochs: int) -> None:
        """Keep only the log lines of the first `epochs` epochs: the others will come again."""
        lines = self._log.read_text().splitlines() if self._log.is_file() else []
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["epoch"] < epochs]
        self._log.write_text("".join(line + "\n" for line in kept))

    def log(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """Append one line of figures to `log.jsonl`."""
        rounded = {name: float(f"{value:.6g}") for name, value in values.items()}
        with self._log.open("a") as file:
            file.write(json.dumps({"epoch": epoch, "step": step, **rounded}) + "\n")
