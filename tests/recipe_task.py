"""`recipe_task.py SETS OUT`: table 1 on a drawn set, as one of the processes of torchrun."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import torch

from motionrgbd.training.paper import run
from motionrgbd.training.paper.reproduce import reproduce

if __name__ == "__main__":
    torch.set_num_threads(1)
    sets = runpy.run_path(str(Path(__file__).with_name("paper_set.py")))
    run.RECIPES = sets["recipes_for_two"]()
    root, out = map(Path, sys.argv[1:])
    options = run.RunOptions(
        root, out, sets["TINY"], batch=4, epochs=1, workers=0, accelerator="cpu"
    )
    reproduce("table 1", options, [1])
