"""Where frames come from: cameras, recordings, and the built-in synthetic recording."""
