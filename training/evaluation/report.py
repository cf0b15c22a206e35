"""The evaluation as one HTML file that needs nothing else, and as JSON."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from motionrgbd.training.evaluation.clips import clip_strip
from motionrgbd.training.evaluation.metrics import ClassScore, Share
from motionrgbd.training.evaluation.page import Figure, render, safe, write_page
from motionrgbd.training.evaluation.plots import confusion_svg, reliability_svg
from motionrgbd.training.evaluation.results import Results, percent, percent_interval

TEMPLATE = Path(__file__).with_name("report.html.jinja")
STRIP_PICTURES = 8
STRIPS_AT_MOST = 40  # about 15 kB each
_GAP_PX = 2
_CONFUSIONS_AT_MOST = 12
_JPEG_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misclassified clip. picture: a data URL, None where pictures are left out."""

    name: str
    truth: str
    truth_probability: str
    rank: int
    predicted: str
    confidence: str
    picture: str | None


def write_report(folder: Path, results: Results, *, pictures: bool) -> None:
    """Write `report.html` and `report.json`, each whole or not at all.

    pictures: whether clips are shown. Raises OutputError where they cannot be written.
    """
    write_page(folder, report_html(results, pictures=pictures), results.to_json())


def report_html(results: Results, *, pictures: bool) -> str:
    """Return the page; equal results give equal bytes."""
    metrics = results.metrics
    mistakes = results.mistakes
    return render(
        TEMPLATE,
        results=results,
        figures=_figures(results),
        facts=_facts(results),
        classes=[_class_row(score) for score in metrics.classes],
        confusion=safe(
            confusion_svg(metrics.confusion, results.set.classes, results.answers.names)
        ),
        reliability=safe(reliability_svg(metrics.reliability)),
        confusions=_confusions(results),
        mistakes=[_mistake(results, i, pictures) for i in mistakes[:STRIPS_AT_MOST]],
        mistake_count=len(mistakes),
        pictures=pictures,
    )


def _figures(results: Results) -> list[Figure]:
    metrics = results.metrics
    figures = [_share_figure("Top-1", metrics.top1)]
    if metrics.top5 is not None:
        figures.append(_share_figure("Top-5", metrics.top5))
    figures += [
        Figure("Mean recall", f"{100 * metrics.mean_recall:.2f} %", "every class counts the same"),
        Figure(
            "ECE",
            f"{100 * metrics.reliability.ece:.1f} %",
            f"{len(metrics.reliability.bins)} bins of confidence",
        ),
        Figure("NLL", f"{metrics.nll:.3f}", "nats per clip"),
    ]
    return figures


def _share_figure(name: str, share: Share) -> Figure:
    detail = f"{share.right} of {share.count}; 95 %: {percent_interval(share)}"
    return Figure(name, f"{percent(share)} %", detail)


def _facts(results: Results) -> list[tuple[str, str]]:
    model, card = results.model, results.model.card
    words = " and ".join("colour" if m == "color" else "depth" for m in model.modalities)
    scores = "; ".join(f"{name}: {_score_text(value)}" for name, value in card.scores.items())
    facts = [
        ("Model", f"{model.file} ({model.kind})"),
        ("Recipe", f"{model.recipe.name}, from {words}"),
        ("SHA-256", model.sha256),
        ("Computed on", model.device),
        ("Trained on", card.data),
        ("Trained with", " ".join(filter(None, (card.command, card.commit)))),
        ("Terms of the model", card.licence),
        ("Of colour", card.color_note),
        ("Scores in its card", scores),
        ("Set", f"{results.set.name}, split {results.set.split}, {len(results.set.clips)} clips"),
        ("Classes", f"{len(results.set.classes)} of the set, {len(results.answers.names)} answers"),
        ("Sampling", results.sampling),
        ("Streamed", _streamed(results)),
        ("Command", results.command),
    ]
    return [(name, text) for name, text in facts if text]


def _score_text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _streamed(results: Results) -> str:
    check = results.streamed
    if check is None:
        return ""
    verdict = (
        "the same scores as whole clips"
        if not check.beyond
        else f"{len(check.beyond)} clips differ from whole clips by more than {check.tolerance:g}"
    )
    return f"every clip went through the engine: {verdict}; largest difference {check.largest:.1e}"


def _class_row(score: ClassScore) -> dict[str, Any]:
    low, high = score.recall.interval
    return {
        "name": score.name,
        "count": score.recall.count,
        "recall": percent(score.recall),
        "interval": percent_interval(score.recall) if score.recall.count else "-",
        "value": 100 * (score.recall.value or 0.0),
        "low": 100 * low,
        "width": 100 * (high - low),
        "precision": percent(score.precision),
        "called": score.precision.count,
        "mistaken": score.most_mistaken or "",
    }


def _confusions(results: Results) -> list[tuple[int, str, str]]:
    """The most frequent mistakes: how often, what it was, what was answered."""
    counts, names = results.metrics.confusion.copy(), results.answers.names
    counts[np.arange(len(counts)), np.arange(len(counts))] = 0
    best = np.argsort(-counts, axis=None, kind="stable")[:_CONFUSIONS_AT_MOST]
    pairs = [divmod(int(place), counts.shape[1]) for place in best]
    return [(int(counts[r, a]), names[r], names[a]) for r, a in pairs if counts[r, a]]


def _mistake(results: Results, i: int, pictures: bool) -> Mistake:
    row, truth = results.probabilities[i], int(results.labels[i])
    predicted = int(results.predicted[i])
    clip = results.set.clips[i]
    strip = clip_strip(clip, STRIP_PICTURES, results.model.modalities) if pictures else None
    return Mistake(
        name=clip.name,
        truth=results.answers.names[truth],
        truth_probability=f"{row[truth]:.2f}",
        rank=int((row > row[truth]).sum()) + 1,
        predicted=results.answers.names[predicted],
        confidence=f"{row[predicted]:.2f}",
        picture=None if strip is None else strip_url(strip),
    )


def strip_url(pictures: Sequence[np.ndarray]) -> str:
    """Return pictures (h, w, 3) of one height side by side, as the URL of a JPEG in itself."""
    height = pictures[0].shape[0]
    gap = np.full((height, _GAP_PX, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)][:-1]
    file = io.BytesIO()
    Image.fromarray(np.concatenate(parts, axis=1)).save(file, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
