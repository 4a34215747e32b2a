"""What to do about a failure, step by step."""
