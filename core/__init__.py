"""From sensor to decision: frames, sources, guidance, engine, events. No Qt, no torch."""
