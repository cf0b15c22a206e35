"""Reports as one HTML file that needs nothing else, with the same numbers as JSON beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motionrgbd.core.errors import LibraryError, OutputError
from motionrgbd.training.whole_files import replacing

PAGE, DATA = "report.html", "report.json"
_FRAME = Path(__file__).with_name("page.html.jinja")


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number: what it is, its value, and what it means."""

    name: str
    value: str
    detail: str


def check_templates() -> None:
    """Raise LibraryError where the page cannot be made; to be told before hours of scoring."""
    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise LibraryError(
            f"--out needs jinja2 ({error}) — pip install '.[train]' in the checkout"
        ) from error


def prepare_folder(folder: Path) -> None:
    """Make the folder of a report. Raises OutputError where nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / (DATA + ".part")
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: nothing can be written there ({error.strerror}) — choose another --out"
        ) from error


def write_page(folder: Path, page: str, data: dict[str, Any]) -> None:
    """Write `report.html` and `report.json`, each whole or not at all.

    Raises OutputError where they cannot be written.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    for name, content in ((PAGE, page), (DATA, text + "\n")):
        try:
            with replacing(folder / name) as part:
                part.write_text(content, encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"{folder / name} cannot be written ({error.strerror}) — choose another --out"
            ) from error


def render(template: Path, **values: Any) -> str:
    """Return a page of a template, which extends `page.html`; equal values give equal bytes."""
    import jinja2

    texts = {"page.html": _FRAME, "report.html": template}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({n: p.read_text(encoding="utf-8") for n, p in texts.items()}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(**values)


def safe(svg: str) -> Any:
    """Mark a plot of ours as no text to be escaped."""
    import markupsafe

    return markupsafe.Markup(svg)
