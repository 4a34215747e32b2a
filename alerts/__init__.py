"""What to do about it: reads the transition rows that `events` writes, and tells people."""
