"""The built-in recording: an articulated hand drawn with true depth, performing a script."""
