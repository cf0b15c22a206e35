"""The paper's tables: rows that are the authors' own, and which recipes give them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from importlib.resources import files

from motionrgbd.core.errors import UsageError
from motionrgbd.training.paper.recipes import FIGURE_TAUS, RECIPES

_FILE = "paper_results.csv"
_FAMILIES = {  # data set and split of a row, and the recipes' common name, several for a mean
    ("NvGesture", "test"): ("nvgesture",),
    ("THU-READ", "mean of 4 splits"): tuple(f"thuread-cs{n}" for n in range(1, 5)),
    ("THU-READ", "CS2"): ("thuread-cs2",),
    ("IsoGD", ""): ("isogd",),
    ("NTU RGB+D 60", "CS"): ("ntu-cs",),
    ("NTU RGB+D 60", "CV"): ("ntu-cv",),
}
_RECIPES = {  # row and modality, and the end of the recipe's name
    ("Ours", "RGB"): "color",
    ("Ours", "Depth"): "depth",
    ("Ours (Multiplication)", "RGB+Depth"): "multiplication",
    ("Ours (Addition)", "RGB+Depth"): "addition",
    ("Ours (CAPF)", "RGB+Depth"): "fusion",
    ("baseline", "RGB"): "color-baseline",
    ("+FRP", "RGB"): "color-no-multiloss",
    ("+FRP +multi-loss", "RGB"): "color-no-sharpness",
    ("+FRP +multi-loss +sharpness", "RGB"): "color-no-knn",
    ("+FRP +multi-loss +sharpness +k-NN attention", "RGB"): "color",
    ("Baseline (Addition)", "RGB+Depth"): "addition",
    ("CmSI", "RGB+Depth"): "fusion-spatial",
    ("CmTI", "RGB+Depth"): "fusion-temporal",
    ("CmSTI", "RGB+Depth"): "fusion",
}
_FIGURE_SETS = (("NvGesture", "test", "nvgesture"), ("THU-READ", "CS2", "thuread-cs2"))
TABLES = (*(f"table {n}" for n in range(1, 7)), "figure 6")


@dataclass(frozen=True)
class Row:
    """A row of a table. published: percent, None where the paper gives a curve only.

    recipes: whose mean it is.
    """

    row: str
    dataset: str
    split: str
    modality: str
    published: float | None
    recipes: tuple[str, ...]


def parse_table(text: str) -> str:
    """Return a table's name. Raises UsageError that lists the ones there are."""
    name = re.sub(r"\W+", " ", text.lower()).strip().replace("fig ", "figure ")
    name = f"table {name}" if name.isdigit() else name
    if name not in TABLES:
        raise UsageError(f"there is no '{text}' to reproduce: one of {', '.join(TABLES)}")
    return name


def rows_of(table: str) -> list[Row]:
    """Return the authors' rows of a table, in its order; other works' rows are left out."""
    if table == "figure 6":
        return _figure_rows()
    number = table.removeprefix("table ")
    text = files("motionrgbd.training.paper").joinpath(_FILE).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = []
    for entry in csv.DictReader(lines):
        end = _RECIPES.get((entry["row"], entry["modality"]))
        if entry["table"] == number and end is not None:
            names = _FAMILIES[entry["dataset"], entry["split"]]
            recipes = tuple(f"{name}-{end}" for name in names)
            published = float(entry["published_top1_percent"])
            place = entry["dataset"], entry["split"], entry["modality"]
            rows.append(Row(entry["row"], *place, published, recipes))
    return rows


def _figure_rows() -> list[Row]:
    """Figure 6 is a curve: its rows are ours, without published figures."""
    rows = []
    for dataset, split, name in _FIGURE_SETS:
        place = dataset, split, "RGB", None
        rows.append(Row("without recoupling", *place, (f"{name}-color-no-recoupling",)))
        for tau in FIGURE_TAUS:
            recipe = f"{name}-color-tau-{tau}"  # the parent's own temperature has no other name
            recipe = recipe if recipe in RECIPES else f"{name}-color"
            rows.append(Row(f"recoupling, tau {tau}", *place, (recipe,)))
    return rows
