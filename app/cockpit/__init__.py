"""A simulated car's centre display, driven by gestures alone; free of Qt."""
