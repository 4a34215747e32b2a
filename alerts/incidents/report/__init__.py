"""The report of an incident: what is known by itself is drafted, the cause is left to people, and what is published stands."""
