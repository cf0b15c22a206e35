"""Own gestures: what a model needs to be taught, and the benchmark."""
