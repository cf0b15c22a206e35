"""Scores of a model on a data set: metrics, report, command."""
