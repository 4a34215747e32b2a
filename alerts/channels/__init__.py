"""Telling people: one module a kind of channel, each with `validated` for its settings and `send`."""
