"""The paper's recipes: what each changes, and that every one of them trains from end to end."""

from __future__ import annotations

import dataclasses
import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from motionrgbd.app.cli import main as command
from motionrgbd.core.errors import SourceError, UsageError
from motionrgbd.models.errors import CheckpointError
from motionrgbd.models.fusion import FusionNetwork
from motionrgbd.models.released import load_released
from motionrgbd.training.paper import run
from motionrgbd.training.paper.commands import main as train_recipe
from motionrgbd.training.paper.commands import reproduce_table
from motionrgbd.training.paper.recipes import RECIPES, SMALL, ScoreFusion, resized
from motionrgbd.training.paper.run import RunOptions, run_recipe
from motionrgbd.training.paper.tables import TABLES, parse_table, rows_of
from motionrgbd.training.paper.task import BenchmarkTask
from motionrgbd.training.paper.weights import start_from

pytestmark = pytest.mark.usefixtures("one_thread")

SETS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("paper_set.py"))))
NAMES = SETS.NAMES


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of sets with a drawn `nvgesture`, and the options of tiny runs on it."""
    root = tmp_path_factory.mktemp("sets")
    SETS.SET.write(root / "nvgesture")
    return options_for(root, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared_data):
    """The same on the two real clips."""
    root = tmp_path_factory.mktemp("sets")
    SETS.real_set(root / "nvgesture", shared_data)
    return options_for(root, tmp_path_factory.mktemp("runs"))


def options_for(root, out):
    return RunOptions(root, out, SETS.TINY, batch=2, epochs=2, workers=0, accelerator="cpu")


@pytest.fixture(autouse=True)
def two_classes(monkeypatch):
    monkeypatch.setattr(run, "RECIPES", SETS.recipes_for_two())


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs_on_drawn_clips(name, drawn):
    result = run_recipe(name, 1, drawn)
    assert result.clips == 2
    assert result.best in (0.0, 0.5, 1.0)
    assert result.best >= result.last or isinstance(RECIPES[name], ScoreFusion)
    assert json.loads((drawn.folder(name, 1) / "result.json").read_text())["recipe"] == name
    before = (drawn.folder(name, 1) / "result.json").stat().st_mtime_ns
    assert run_recipe(name, 1, drawn) == result
    assert (drawn.folder(name, 1) / "result.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_runs_on_real_clips(name, real):
    result = run_recipe(name, 1, real)
    assert result.clips == 2
    if not isinstance(RECIPES[name], ScoreFusion):
        weights = load_file(real.folder(name, 1) / "last.safetensors")
        assert all(bool(x.isfinite().all()) for x in weights.values() if x.is_floating_point())


def test_a_recipe_learns_the_drawn_clips(drawn, tmp_path):
    options = replace(drawn, out=tmp_path, epochs=25)
    options = replace(options, size=replace(SETS.TINY, width=0.1))
    run_recipe("nvgesture-depth", 1, options)
    lines = (options.folder("nvgesture-depth", 1) / "log.jsonl").read_text().splitlines()
    losses = [x["cross_entropy"] for x in map(json.loads, lines) if "cross_entropy" in x]
    assert losses[-1] < 0.7 * losses[0]


def test_a_fused_network_starts_from_both_of_one_modality(drawn):
    for name in ("nvgesture-color", "nvgesture-depth"):
        run_recipe(name, 1, drawn)
    task = run.prepare_task(drawn.recipe("nvgesture-fusion"), 1, drawn)
    network = task.build()
    for name, prefix in (("color", "Modalit_rgb."), ("depth", "Modalit_depth.")):
        weights = load_file(drawn.folder(f"nvgesture-{name}", 1) / "best.safetensors")
        own = network.state_dict()
        shared = [k for k in weights if "mlp_head" not in k and "tracked" not in k]
        assert [k for k in shared if not torch.equal(own[prefix + k], weights[k])] == []
        assert len(shared) > 100


def test_pretraining_takes_everything_but_the_last_layers(drawn):
    recipe = drawn.recipe("nvgesture-color")
    torch.manual_seed(0)
    task = BenchmarkTask(recipe, drawn.set_folder(recipe.benchmark), seed=1)
    a, b = task.build(), task.build()
    kept = dict(b.state_dict())
    other_classes = dict(a.state_dict())
    other_classes["Mixed_3b.b0.conv3d.weight"] = torch.zeros(1)  # another shape
    taken = start_from(b, other_classes)
    for name, x in b.state_dict().items():
        last = name.startswith("dtn.mlp_head") and ".1." in name
        own = last or name == "Mixed_3b.b0.conv3d.weight"
        assert torch.equal(x, kept[name] if own else a.state_dict()[name]), name
    assert taken == len(kept) - 7
    folder = drawn.set_folder(recipe.benchmark)
    task = BenchmarkTask(recipe, folder, seed=1, start=[drawn.out / "jester.pth"])
    with pytest.raises(CheckpointError, match="no such file"):
        task.build()


def test_ablations_differ_from_their_parent_in_the_lines_that_matter():
    def changed(name, parent):
        a, b = dataclasses.asdict(RECIPES[name]), dataclasses.asdict(RECIPES[parent])
        return {
            f"{part}.{key}" if isinstance(a[part], dict) else part
            for part in a
            for key in (a[part] if isinstance(a[part], dict) else [""])
            if part != "name"
            and (a[part] != b[part])
            and (not isinstance(a[part], dict) or a[part][key] != b[part][key])
        }

    color = "nvgesture-color"
    assert changed(f"{color}-no-knn", color) == {"network.neighbours"}
    assert changed(f"{color}-no-sharpness", f"{color}-no-knn") == {"objective.sharpened"}
    assert changed(f"{color}-no-multiloss", f"{color}-no-sharpness") == {"objective.multi_loss"}
    assert changed(f"{color}-baseline", f"{color}-no-multiloss") == {"network.guided"}
    assert changed(f"{color}-tau-0.2", color) == {"objective.tau"}
    recoupling = {"network.recoupling", "objective.distillation_clips"}
    assert changed(f"{color}-no-recoupling", color) == recoupling
    assert changed("nvgesture-fusion-spatial", "nvgesture-fusion") == {"network.interaction"}
    assert changed("nvgesture-depth", color) == {"network.modalities"}
    assert changed("nvgesture-fusion", color) == {"network.modalities", "begins_with"}


def test_the_full_size_is_the_papers():
    fusion = RECIPES["nvgesture-fusion"]
    with torch.device("meta"):
        network = FusionNetwork(fusion.network)
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(79.8e6, rel=1e-3)
    assert (fusion.schedule.lr, fusion.schedule.epochs, fusion.batch) == (0.01, 100, 32)
    assert RECIPES["isogd-color"].schedule.kind == "plateau"
    assert RECIPES["ntu-cv-depth"].frames.guidance_window == 10
    assert resized(fusion, SMALL).frames.view.crop_px == (16, 16, 128, 128)


def test_every_row_of_the_authors_has_a_recipe():
    counts = {table: len(rows_of(table)) for table in TABLES}
    assert counts == {"table 1": 5, "table 2": 5, "table 3": 5, "table 4": 10, "table 5": 10,
                      "table 6": 8, "figure 6": 14}  # fmt: skip
    for table in TABLES:
        for row in rows_of(table):
            assert all(name in RECIPES for name in row.recipes), row
    (row,) = [r for r in rows_of("table 1") if r.row == "Ours (CAPF)"]
    assert (row.published, row.recipes) == (91.7, ("nvgesture-fusion",))
    used = {name for t in TABLES for row in rows_of(t) for name in row.recipes}
    assert set(RECIPES) - used == {"jester-color"}


def test_tables_are_named_freely_and_wrong_ones_refused():
    assert parse_table("Table 1") == parse_table("1") == "table 1"
    assert parse_table("Fig. 6") == "figure 6"
    with pytest.raises(UsageError, match="one of table 1, table 2"):
        parse_table("table 9")


def test_reproduce_prints_published_beside_obtained(drawn, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(run.SIZES, "small", SETS.TINY)
    arguments = ["table 6", "--root", str(drawn.root), "--out", str(drawn.out), "--seeds", "1,2"]
    arguments += ["--small", "--dataset", "nvgesture", "--epochs", "2", "--batch", "2"]
    arguments += ["--workers", "0", "--device", "cpu"]
    assert reproduce_table(arguments) == 0
    printed = capsys.readouterr().out
    assert "| CmSTI | NvGesture | test | RGB+Depth | 91.70 |" in printed
    assert "not comparable" in printed
    report = json.loads((drawn.out / "table-6.json").read_text())
    assert [row["published"] for row in report["rows"]] == [91.1, 91.32, 91.53, 91.7]
    for row in report["rows"]:
        best = list(row["obtained"]["best_epoch"].values())
        assert row["mean"] == pytest.approx(np.mean(best))
        assert row["standard_deviation"] == pytest.approx(np.std(best, ddof=1))


def test_two_processes_make_one_table(drawn, tmp_path):
    launcher = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2")
    rendezvous = ("--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0")
    script = Path(__file__).with_name("recipe_task.py")
    done = subprocess.run(
        [*launcher, *rendezvous, str(script), str(drawn.root), str(tmp_path)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        timeout=150,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("| Ours (CAPF) |") == 1  # one of the processes speaks
    rows = json.loads((tmp_path / "table-1.json").read_text())["rows"]
    assert [row["row"] for row in rows][-1] == "Ours (CAPF)"
    assert len(rows) == 5


def test_nothing_is_trained_before_all_data_are_looked_at(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "fit", lambda *_, **__: pytest.fail("trained"))
    root = tmp_path / "sets" / "nvgesture"
    SETS.SET.write(root)
    arguments = ["nvgesture-fusion", "--root", str(root.parent), "--out", str(tmp_path / "out")]
    arguments += ["--batch", "2", "--workers", "0"]
    gone = root / "depth" / "valid_1" / "000019.jpg"
    whole = gone.read_bytes()
    gone.unlink()
    with pytest.raises(SourceError, match=r"valid_1/000019\.jpg is missing, the last of 20"):
        train_recipe(arguments)
    gone.write_bytes(whole)
    (root / "depth" / "valid_0" / "000004.jpg").write_bytes(whole[:200])
    with pytest.raises(SourceError, match=r"valid_0/0000.*damaged"):
        train_recipe(arguments)
    SETS.write_lists(root, "valid", [("valid_0", 20, 0)])
    with pytest.raises(SourceError, match="NvGesture valid: no clip of Swipe Left"):
        train_recipe(arguments)
    SETS.write_lists(root, "valid", [("valid_0", 20, 0), ("valid_1", 20, 7)])
    with pytest.raises(SourceError, match=r"valid\.txt, line 2: label 7 is out of range"):
        train_recipe(arguments)
    with pytest.raises(UsageError, match="there is no recipe 'nvgesture-colour': one of nvg"):
        train_recipe(["nvgesture-colour", *arguments[1:]])


def test_other_options_do_not_take_an_earlier_result(drawn):
    run_recipe("nvgesture-color", 1, drawn)
    with pytest.raises(UsageError, match=r"epochs \[2\] there, \[3\] here"):
        run_recipe("nvgesture-color", 1, replace(drawn, epochs=3))


def test_a_batch_is_cut_into_equal_passes(drawn):
    recipe = drawn.recipe("nvgesture-color")
    folder = drawn.set_folder(recipe.benchmark)
    task = BenchmarkTask(recipe, folder, seed=1, clips=1)
    assert task.schedule(1).accumulate == 2
    assert [len(batch.labels) for batch in task.batches(0)] == [1, 1]
    with pytest.raises(UsageError, match="needs two of them in a pass"):
        BenchmarkTask(drawn.recipe("nvgesture-fusion"), folder, seed=1, clips=1)
    with pytest.raises(UsageError, match="equal passes of 2"):
        BenchmarkTask(replace(recipe, batch=3), folder, seed=1, clips=2)


@pytest.mark.timeout(600)  # twenty seconds on an idle core
def test_one_step_of_the_fused_network_at_full_size(tmp_path):
    """79.8 M parameters, 64 frames of 224x224 of both modalities."""
    fusion = RECIPES["nvgesture-fusion"]
    folder = replace(SETS.SET, frames=80, size_px=(160, 120)).write(tmp_path / "nvgesture")
    tiny = SETS.recipes_for_two()["nvgesture-fusion"]
    task = BenchmarkTask(replace(tiny, batch=2), folder, seed=1)
    reader = replace(task._reader, augmentation=fusion.augmentation)
    batch = reader.read(task.valid[0], np.random.default_rng(0))
    task = BenchmarkTask(replace(tiny, network=fusion.network, batch=2), folder, seed=1)
    torch.manual_seed(0)
    network = task.build().train()
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(79.8e6, rel=1e-3)
    # one clip has no statistics in the layers that normalise over clips: the running ones stand in
    for part in (network.crossFusionT, network.fusion_model):
        part.eval()
    optimiser = fusion.schedule.optimiser_of(network)
    before = {n: p.detach().clone() for n, p in network.named_parameters()}
    figures = task.loss(network, batch, epoch=0)
    figures["loss"].backward()
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), fusion.schedule.gradient_norm)
    optimiser.step()
    assert np.isfinite([float(figures["loss"].detach()), float(norm)]).all()
    released = load_released(network.state_dict(), benchmark="NvGesture")  # `export` takes it
    assert released.config.modalities == ("color", "depth")
    still = [n for n, p in network.named_parameters() if torch.equal(p, before[n])]
    assert still == []


def test_the_command_line_reaches_both(drawn, tmp_path, capsys):
    place = ["--root", str(tmp_path), "--out", str(tmp_path / "out")]
    assert command(["reproduce", "table 9", *place]) == 2
    assert "one of table 1, table 2" in capsys.readouterr().err
    assert command(["reproduce", "table 1", *place]) == 3
    assert f"{tmp_path}/nvgesture: no such folder" in capsys.readouterr().err
    assert command(["reproduce", "table 1", *place, "--dataset", "Jester"]) == 2
    assert "has no rows of 'Jester': it has NvGesture" in capsys.readouterr().err
    assert command(["train", "recipe", "nvgesture-color", *place, "--seeds", "1,1"]) == 2
    assert "--seeds must differ" in capsys.readouterr().err
    place = ["--root", str(drawn.root), "--out", str(tmp_path / "out"), "--workers", "0"]
    trial = ["--epochs", "1", "--batch", "2", "--size", "small", "--device", "cpu"]
    assert command(["train", "recipe", "nvgesture-depth", *place, *trial]) == 0
    assert "nvgesture-depth, seed 1: " in capsys.readouterr().out
