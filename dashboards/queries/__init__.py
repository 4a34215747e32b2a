"""The questions that staff ask in SQL: reading what they wrote, and asking it without being able to do harm."""
