"""Recognition on whole streams: what comes of the decisions, gesture by gesture, hour by hour."""
