"""The few tables of dashboards; one noun a module."""

from dashboards.models.analytics import Analytics
from dashboards.models.digest import Digest, DigestCopy, DigestDelivery, DigestKind, DigestSubscription, Least
from dashboards.models.review_mark import ReviewMark
from dashboards.models.saved_query import ChartKind, SavedQuery

__all__ = [
    "Analytics",
    "ChartKind",
    "Digest",
    "DigestCopy",
    "DigestDelivery",
    "DigestKind",
    "DigestSubscription",
    "Least",
    "ReviewMark",
    "SavedQuery",
]
