"""Whether a rule's condition holds: what is counted of which series, and what that makes of an alert."""
