"""The secrets that Liftmon makes for itself when the environment gives none.

They must outlive a restart (sessions, user hashes), so they are written once to a file in the data folder.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Secrets:
    secret_key: str
    user_hash_keys: list[str]


def load_or_create_secrets(path: Path, *, secret_key: str = "", user_hash_keys: str = "") -> Secrets:
    """Return the secrets, preferring what was passed (the environment) over the file; make the file when needed.

    ``user_hash_keys`` is a comma list, newest first. Two processes starting at once agree: the file is linked
    into place, so the first one wins and the second reads it. Raises OSError when the folder cannot be written.
    """
    given_keys = [key.strip() for key in user_hash_keys.split(",") if key.strip()]
    if secret_key and given_keys:
        return Secrets(secret_key, given_keys)
    kept = _read(path) or _create(path)
    return Secrets(secret_key or kept.secret_key, given_keys or kept.user_hash_keys)


def _read(path: Path) -> Secrets | None:
    try:
        return Secrets(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def _create(path: Path) -> Secrets:
    made = Secrets(secrets.token_urlsafe(48), [secrets.token_urlsafe(32)])
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(made), file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was first
    except FileExistsError:
        return _read(path) or made
    finally:
        draft.unlink()
    return made
