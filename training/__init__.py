"""Training, evaluation and export (needs torch)."""
