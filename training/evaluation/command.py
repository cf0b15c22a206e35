"""`motionrgbd evaluate`: a model on a labelled set, as a table, a page and JSON."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motionrgbd.core.errors import LibraryError, UsageError
from motionrgbd.core.recogniser import softmax
from motionrgbd.core.results import FloatArray
from motionrgbd.models.bundle import SUFFIX, load_bundle
from motionrgbd.models.errors import CheckpointError, ParityError
from motionrgbd.models.recipe import Modality
from motionrgbd.training.evaluation.answers import match_answers
from motionrgbd.training.evaluation.clips import EvaluationSet, SetRequest
from motionrgbd.training.evaluation.page import PAGE, check_templates, prepare_folder
from motionrgbd.training.evaluation.progress import show_progress
from motionrgbd.training.evaluation.report import write_report
from motionrgbd.training.evaluation.results import (
    OTHER_GRAPHS_TOLERANCE,
    SAME_GRAPHS_TOLERANCE,
    Results,
    StreamedCheck,
    percent,
    percent_interval,
)
from motionrgbd.training.evaluation.scores import BundleScorer, Scorer
from motionrgbd.training.evaluation.sets import known_set
from motionrgbd.training.evaluation.streamed import StreamedScorer, score_difference

_OURS = ".safetensors"
_WORST = 5  # classes in the printed table


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was asked for.

    model: a bundle (.mrgbd), a checkpoint of ours (.safetensors), or the authors' (anything else).
    set, root, split, options: see `sets`. streamed: through the engine. precision: of a bundle.
    benchmark, modality: of the authors' file. merge, without_idle: see `match_answers`.
    limit: at most so many clips. out: folder of the report, or None. pictures: whether it shows
    clips.
    """

    model: Path
    set: str
    root: Path | None = None
    split: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    streamed: bool = False
    device: str = "auto"
    precision: str = "fp32"
    benchmark: str | None = None
    modality: Modality | None = None
    merge: int = 1
    without_idle: bool = False
    limit: int | None = None
    out: Path | None = None
    pictures: bool = True


def evaluate(asked: Evaluation) -> int:
    """Score, print a table, write the report; everything that can be refused early is.

    Raises ParityError, after all that, where streamed scores are not those of whole clips.
    """
    known_set(asked.set)
    if asked.out is not None:
        check_templates()
        prepare_folder(asked.out)
    scorer = open_scorer(asked)
    try:
        results = evaluated(asked, scorer)
    finally:
        scorer.close()
    print(table(results))
    if asked.out is not None:
        write_report(asked.out, results, pictures=asked.pictures)
        print(f"report     {asked.out / PAGE}")
    check = results.streamed
    if check is not None and check.beyond:
        raise ParityError(
            f"streamed scores are not those of whole clips: {len(check.beyond)} of "
            f"{len(results.labels)} clips differ by more than {check.tolerance:g} "
            f"(at most {check.largest:.1e}), the first {check.beyond[0]}"
        )
    return 0


def open_scorer(asked: Evaluation) -> Scorer:
    """Open the model that was asked for."""
    if asked.model.suffix == SUFFIX:
        bundle = load_bundle(asked.model)
        if bundle.taught is not None:
            raise UsageError(
                f"{asked.model} was taught {', '.join(bundle.taught_labels)}: taught gestures are "
                "recognised along a stream, and the clips of a set have none - evaluate the model "
                "as it was before, or marked recordings with `motionrgbd bench online`"
            )
        return BundleScorer(bundle, asked.model, asked.device, asked.precision)
    if asked.precision != "fp32":
        raise UsageError(f"--precision {asked.precision} is for bundles; {asked.model} is none")
    try:
        from motionrgbd.training.evaluation import torch_scores
    except ImportError as error:
        raise LibraryError(
            f"a checkpoint needs torch ({error}) — pip install '.[train]' in the checkout, or "
            "evaluate a .mrgbd bundle"
        ) from error
    if asked.model.suffix == _OURS:
        return torch_scores.open_checkpoint(asked.model, asked.device)
    if not asked.model.is_file():
        raise CheckpointError(f"{asked.model}: no such file")
    benchmark = asked.benchmark or known_set(asked.set).benchmark
    if not benchmark:
        raise UsageError(
            f"{asked.model}: neither a {SUFFIX} nor a {_OURS} file, so one of the authors': say "
            "--benchmark, the set that it was trained on"
        )
    return torch_scores.open_released(
        asked.model, benchmark, asked.modality or "color", asked.device
    )


def evaluated(asked: Evaluation, scorer: Scorer) -> Results:
    """Score every clip of the set and measure."""
    model, known = scorer.model, known_set(asked.set)
    request = SetRequest(
        root=known.root(asked.root),
        split=asked.split or known.split,
        recipe=model.recipe,
        modalities=model.modalities,
        options=known.chosen(asked.set, asked.options),
    )
    clips = known.read(request).limited(asked.limit)
    answers = match_answers(
        model.labels, clips.classes, merge=asked.merge, without_idle=asked.without_idle
    )
    for name in clips.empty_classes[:3]:
        print(f"no clip of class {name!r}: its recall is not measured", file=sys.stderr)
    logits = _whole(scorer, clips)
    probabilities = [softmax(row) for row in logits]
    check = None
    if asked.streamed:
        probabilities, check = _streamed(asked, scorer, clips, logits)
    return Results.of(model, clips, answers, probabilities, command_text(asked), check)


def command_text(asked: Evaluation) -> str:
    """Return the command that gives these figures; where results go is left out."""
    words = ["motionrgbd", "evaluate", str(asked.model), "--set", asked.set]
    given: dict[str, object] = {
        "root": asked.root,
        "split": asked.split,
        **asked.options,
        "benchmark": asked.benchmark,
        "modality": asked.modality,
        "precision": asked.precision if asked.precision != "fp32" else None,
        "merge": asked.merge if asked.merge != 1 else None,
        "limit": asked.limit,
    }
    for name, value in given.items():
        words += [] if value is None else [f"--{name}", str(value)]
    words += ["--without-idle"] if asked.without_idle else []
    words += ["--streamed"] if asked.streamed else []
    return shlex.join(words)


def table(results: Results) -> str:
    """Return the figures as a few lines."""
    model, metrics = results.model, results.metrics
    lines = [
        f"model      {model.file} ({model.kind}), on {model.device}",
        f"set        {results.set.name}, {results.set.split}: {len(results.labels)} clips, "
        f"{len(results.set.classes)} classes",
        f"sampling   {results.sampling}",
        *(f"note       {note}" for note in results.notes),
        f"top-1      {percent(metrics.top1)} %  ({metrics.top1.right} of {metrics.top1.count}; "
        f"95 %: {percent_interval(metrics.top1)})",
    ]
    if metrics.top5 is not None:
        lines.append(
            f"top-5      {percent(metrics.top5)} %  (95 %: {percent_interval(metrics.top5)})"
        )
    lines += [
        f"recall     {100 * metrics.mean_recall:.2f} %  mean over classes",
        f"ECE        {100 * metrics.reliability.ece:.2f} %",
        f"NLL        {metrics.nll:.4f}",
    ]
    weakest = sorted(
        (score for score in metrics.classes if score.recall.right < score.recall.count),
        key=lambda score: (score.recall.value or 0.0, score.name),
    )
    lines += [
        f"weak       {score.name}: {score.recall.right} of {score.recall.count}, "
        f"mostly taken for {score.most_mistaken}"
        for score in weakest[:_WORST]
    ]
    if results.streamed is not None:
        verdict = f"{len(results.streamed.beyond)} differ" if results.streamed.beyond else "same"
        lines.append(
            f"streamed   {verdict}; largest difference from whole clips "
            f"{results.streamed.largest:.1e} (allowed {results.streamed.tolerance:g})"
        )
    return "\n".join(lines)


def _whole(scorer: Scorer, clips: EvaluationSet) -> list[FloatArray]:
    rows = []
    for i, clip in enumerate(clips.clips):
        rows.append(scorer.score(clip))
        if not np.isfinite(rows[-1]).all():
            raise UsageError(f"{scorer.model.file} gives NaN or infinite scores for {clip.name}")
        show_progress(f"scored {i + 1} of {len(clips.clips)} clips", last=i + 1 == len(clips.clips))
    return rows


def _streamed(
    asked: Evaluation, scorer: Scorer, clips: EvaluationSet, logits: list[FloatArray]
) -> tuple[list[FloatArray], StreamedCheck]:
    same_graphs = isinstance(scorer, BundleScorer)
    engine = StreamedScorer(scorer.bundle(), scorer.model, asked.device, asked.precision)
    rows, differences = [], []
    for i, clip in enumerate(clips.clips):
        rows.append(engine.probabilities(clip))
        differences.append(score_difference(rows[-1], logits[i]))
        show_progress(
            f"streamed {i + 1} of {len(clips.clips)} clips", last=i + 1 == len(clips.clips)
        )
    tolerance = SAME_GRAPHS_TOLERANCE if same_graphs else OTHER_GRAPHS_TOLERANCE
    names = [clip.name for clip in clips.clips]
    return rows, StreamedCheck.of(differences, names, tolerance)
