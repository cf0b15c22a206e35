"""The application: command line, headless runner and the Qt window (the only package with Qt)."""
