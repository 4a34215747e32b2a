"""The one scrubber of this process, with the installation's keys that hash users."""

from functools import lru_cache

from django.conf import settings

from events.ingest.scrub import Scrubber


@lru_cache(maxsize=1)
def scrubber() -> Scrubber:
    return Scrubber(user_hash_keys=tuple(settings.USER_HASH_KEYS))
