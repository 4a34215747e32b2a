"""Pages that put reports on the screen."""
