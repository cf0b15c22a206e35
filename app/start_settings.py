"""Settings of a run with a window: the user's own file counts where no other one is named."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motionrgbd.app.my_settings import settings_path
from motionrgbd.app.settings import Settings, settings_from
from motionrgbd.core.errors import UsageError


def start_settings(options: Mapping[str, Any], config: Path | None, model: Path) -> Settings:
    """Return what the command line says, over the settings file.

    config: that file; without one, and with a window, the user's own. A broken one of these is told
    and ignored, and so is what does not fit the model. model: the built-in one.
    """
    path = settings_path()
    if config is not None or options.get("headless") or not path.is_file():
        return settings_from(options, config)
    try:
        settings = settings_from(options, path)
    except UsageError as error:
        without = settings_from(options, None)  # raises where the command line is to blame
        print(f"Your settings are ignored: {error}", file=sys.stderr)
        return without
    print(f"Using your settings, {path}")
    return _fitting(settings, model)


def _fitting(settings: Settings, model: Path) -> Settings:
    """Return the settings without decisions that the model has no labels for."""
    from motionrgbd.core.decision import bundle_parameters, check_labels
    from motionrgbd.core.decision_parameters import DecisionError, overridden
    from motionrgbd.models.bundle import load_bundle
    from motionrgbd.models.errors import BundleError

    if not settings.decision:
        return settings
    try:
        bundle = load_bundle(settings.model or model)
        check_labels(overridden(bundle_parameters(bundle), settings.decision), bundle.labels)
    except BundleError:
        return settings  # told where the model is opened
    except DecisionError as error:
        print(f"[decision] of your settings is ignored: {error}", file=sys.stderr)
        return dataclasses.replace(settings, decision={})
    return settings
