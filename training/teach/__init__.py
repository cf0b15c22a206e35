"""Own gestures: what a model needs to be taught, the benchmark, and teaching with training."""
