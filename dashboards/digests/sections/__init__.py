"""What each part of a digest says: a report's answer in words, three rows, one small chart, and what to do about it.

A section asks one report and adds nothing to its numbers.
"""
