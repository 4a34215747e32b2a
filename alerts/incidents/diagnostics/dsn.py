"""Addresses of databases: which are taken, how they are kept, and what is shown of them. Pure.

``postgresql://role:password@host:5432/database``, with a few options and no others: libpq reads files, environments and services
by them, and those are Liftmon's own.
"""

import os
import re
import ssl
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

import certifi

HIDDEN = "••••"
FORM = "postgresql://role:password@host:5432/database"
_OPTIONS = frozenset({"sslmode", "sslrootcert", "channel_binding"})
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_BINDINGS = ("disable", "prefer", "require")
_LONGEST = 1000
# A file that cannot be.
_NOWHERE = f"{os.devnull}/none"
_PASSWORD = re.compile(r"(?<=://)([^:/?#]*):.*@")


class DsnError(ValueError):
    """The address of a database cannot be used; the text says what to write, and never holds the password."""


def checked(text: str) -> str:
    """The address as it is kept. Raises DsnError."""
    parts, host, port = _taken_apart(text.strip())
    if not host or any(char in host for char in ",%/"):
        raise DsnError(f"Name one host: {FORM}.")
    user, secret, database = (
        unquote(one or "") for one in (parts.username, parts.password, parts.path.removeprefix("/"))
    )
    if not user:
        raise DsnError(f"Name the role: {FORM}.")
    if not database or "/" in database:
        raise DsnError(f"Name the database at the end: {FORM}.")
    if "\x00" in user + secret + database:
        raise DsnError("The address holds a %00, which PostgreSQL takes nowhere.")
    options = _checked_options(parts.query)
    password = f":{quote(secret, safe='')}" if secret else ""
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(options.items()))
    host = f"[{host}]" if ":" in host else host
    where = f"{quote(user, safe='')}{password}@{host}:{port}/{quote(database, safe='')}"
    return f"postgresql://{where}{'?' if written else ''}{written}"


def _taken_apart(text: str) -> tuple[SplitResult, str, int]:
    if len(text) > _LONGEST:
        raise DsnError(f"The address has more than {_LONGEST:,} characters.")
    if any(char.isspace() or not char.isprintable() for char in text):
        raise DsnError("The address holds a space or a control character: write %20 for a space in a password.")
    if HIDDEN in text:
        raise DsnError("Write the password again: it is not shown, so it is not kept in this form.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        # Whatever is wrong with it is told without it: what was taken for the port may be half of the password.
        raise DsnError(
            f"Write it as {FORM}, with a port from 1 to 65535. In a password write %2F for /, %3F for ?, %23 for #, %40 for @, "
            "%5B for [ and %5D for ]."
        ) from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise DsnError(f"Write it as {FORM}.")
    if "#" in text:
        raise DsnError("The address holds a #: write %23 for it in a password.")
    return parts, host or "", port


def _checked_options(query: str) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if unknown := options.keys() - _OPTIONS:
        raise DsnError(f"The option {min(unknown)[:30]} is not taken; {', '.join(sorted(_OPTIONS))} are.")
    mode = options.get("sslmode", "prefer")
    if mode not in _SSL_MODES:
        raise DsnError(f"sslmode is one of {', '.join(_SSL_MODES)}.")
    if options.get("sslrootcert", "system") != "system":
        raise DsnError("sslrootcert can only be system: the authorities that this host trusts.")
    if "sslrootcert" in options and mode not in ("prefer", "verify-full"):
        raise DsnError("With sslrootcert=system only sslmode=verify-full makes sense.")
    if options.get("channel_binding", "prefer") not in _BINDINGS:
        raise DsnError(f"channel_binding is one of {', '.join(_BINDINGS)}.")
    return options


def shown(dsn: str) -> str:
    """``lift_reader@db.example:5432/lift``: enough to tell two apart, no password. Of what `checked` answered."""
    parts = urlsplit(dsn)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{unquote(parts.username or '')}@{host}:{parts.port}{unquote(parts.path)}"


def hidden(text: str) -> str:
    """What somebody typed, to be shown to them again without the password; "" where nobody can say what that is."""
    if not re.match(r"postgres(ql)?://[^\s]+$", text) or "@" not in text:
        return ""
    said = _PASSWORD.sub(rf"\1:{HIDDEN}@", text, count=1)
    return "" if "password" in said.lower() else said


def parameters(dsn: str) -> dict[str, str | int]:
    """What libpq is told, of what `checked` answered; all that it would look for by itself is said."""
    parts = urlsplit(dsn)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found: dict[str, str | int] = {
        "host": parts.hostname or "", "port": parts.port or 5432, "user": unquote(parts.username or ""),
        "dbname": unquote(parts.path.removeprefix("/")), "sslmode": "prefer", **options,
        # Passwords, keys and tickets of the account that Liftmon runs under are not for whatever somebody typed.
        "passfile": _NOWHERE, "sslcertmode": "disable", "gssencmode": "disable",
    }  # fmt: skip
    if options.get("sslrootcert") == "system":
        found["sslmode"] = "verify-full"
    if str(found["sslmode"]).startswith("verify-"):
        # The libpq that comes with psycopg does not know where this system keeps its authorities.
        found["sslrootcert"] = authorities()
    else:
        # Where there is a file, `require` verifies by it.
        found["sslrootcert"] = _NOWHERE
    if parts.password:
        found["password"] = unquote(parts.password)
    else:
        # Else PGPASSWORD of the environment would be sent.
        found["require_auth"] = "none"
    return found


@cache
def authorities() -> str:
    """The file with the authorities that this system trusts, else certifi's: small images have none."""
    own = ssl.get_default_verify_paths().cafile
    return own if own and Path(own).is_file() else certifi.where()
