"""What a rule would have done in the past: live judging's decisions on the counts that are kept."""
