"""Incidents: what opens them, what joins them, what people do about them, and what is left of them."""
