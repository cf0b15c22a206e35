"""The window: Qt widgets over the engine's snapshots. Nothing here is needed for `--headless`."""
