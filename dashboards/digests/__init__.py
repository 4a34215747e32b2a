"""Digests: what reports say of a day, a week or a month, in the order of what changed and whom it hurt, sent to whoever asked."""
