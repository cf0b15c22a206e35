"""Benchmarks and own recordings: facts, readers, preparation, checks, shards."""
