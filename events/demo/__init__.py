"""A believable fortnight of *lift*, the student career service that the tracking guide was written for.

`generator` makes the documents from a seed alone: the same seed, hour and end always give the same events, so a load that
was cut short can be taken up again. `delivery` sends them through the front door; `loading` and `trickle` are the work
of `manage.py seeddemo`.
"""
