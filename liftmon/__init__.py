"""The project: settings, addresses, Celery, embedded servers and the `up` command. No domain logic."""

from liftmon.celery import app as celery_app

__all__ = ["celery_app"]
