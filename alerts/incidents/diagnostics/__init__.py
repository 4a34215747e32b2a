"""Diagnostics: the guide's own checks, asked of databases and addresses of the product, each with its answer in words.

Nothing is asked that does not stand in `questions.py`, and nothing is done that does not stand in `mitigating.py`.
"""
