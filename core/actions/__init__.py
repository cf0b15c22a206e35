"""From gesture events to the world outside: a mapping file, its gates, and threads that send."""
