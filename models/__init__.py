"""Networks as the paper draws them, released checkpoints, and the model bundle."""
