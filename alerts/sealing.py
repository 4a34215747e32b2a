"""What a channel holds (addresses that are secrets, tokens, keys), encrypted for the database.

Fernet, with keys derived by HKDF: from LIFTMON_SEALING_KEYS, newest first, and from the secret key. What was sealed before the
sealing keys were set can still be opened, since the secret key stays the last that is tried.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# Part of every key: what is sealed here opens nowhere else, though the secret key signs sessions, too. Never changes.
_LABEL = b"liftmon: settings of channels, 1"
# The last four characters of a shorter text give too much of it away.
_SHORTEST_SHOWN = 16


class SealBrokenError(Exception):
    """None of the keys opens it: they were changed and the old ones not kept, or the text was damaged."""


def seal(values: Mapping[str, str]) -> str:
    """The settings as an encrypted text of ASCII characters."""
    return _fernet().encrypt(json.dumps(dict(values), sort_keys=True).encode()).decode()


def unseal(sealed: str) -> dict[str, str]:
    """The settings of `seal`. Raises SealBrokenError."""
    try:
        opened = json.loads(_fernet().decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        raise SealBrokenError(
            "The settings of this channel cannot be decrypted. Put the key they were sealed with back at the end of "
            "LIFTMON_SEALING_KEYS (or the old LIFTMON_SECRET_KEY), or enter them again."
        ) from None
    return {str(name): str(value) for name, value in opened.items()}


def resealed(sealed: str) -> str:
    """The same settings under the newest key, so that an old one can be thrown away. Raises SealBrokenError."""
    return seal(unseal(sealed))


def masked(kind: str, secret: str) -> str:
    """``slack ••••Xy12``: enough to tell two channels apart, too little to use one."""
    shown = secret[-4:] if len(secret) >= _SHORTEST_SHOWN else ""
    return f"{kind} ••••{shown}"


def _fernet() -> MultiFernet:
    return _fernet_of((*settings.SEALING_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _fernet_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=_LABEL)
    return urlsafe_b64encode(hkdf.derive(key.encode()))
