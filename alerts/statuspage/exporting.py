"""The whole status page as files that any web server can show, written beside the old ones and put in their place at once.

The folder that is served is a link to the newest one. Whoever follows it sees all of the old page or all of the new one, and
neither half of a file nor a page that leads to one that is not there yet.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.urls import reverse

from alerts.statuspage import content, rendering
from alerts.statuspage.addresses import Exported

# The page before is kept for those who are reading it.
_KEPT = 2


class ExportError(Exception):
    """It cannot be written there; the text says why, and what to do."""


def export(folder: Path, *, public: str, now: datetime) -> int:
    """``public``: the address by which the files will be known, with / at its end. How many files. Raises ExportError."""
    folder = folder.absolute()
    is_other = folder.exists() and not folder.is_symlink()
    if is_other and not (folder.is_dir() and not any(folder.iterdir())):
        raise ExportError(
            f"{folder} is there and no earlier export. Name a folder that is empty or not there: it becomes a link to the "
            "newest export."
        )
    store = folder.parent / f".{folder.name}.exports"
    try:
        store.mkdir(parents=True, exist_ok=True)
        written = Path(tempfile.mkdtemp(prefix=f"{now:%Y%m%dT%H%M%S}-", dir=store))
        written.chmod(0o755)
        try:
            count = _write_all(written, public=public, now=now)
        except BaseException:
            shutil.rmtree(written, ignore_errors=True)
            raise
        if is_other:
            folder.rmdir()
        _point(folder, written)
        _clean_up(store, but=written)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror}.") from error
    return count


def _write_all(root: Path, *, public: str, now: datetime) -> int:
    count = 0
    for name, body in _files(public, now):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body.replace(rendering.STALE_MARK, b""))
        count += 1
    return count


def _files(public: str, now: datetime) -> Iterator[tuple[str, bytes]]:
    """Names and what is in them."""
    subscribe = f"{settings.BASE_URL}{reverse('status_subscribe')}"
    top, below = Exported(public, 0, subscribe), Exported(public, 2, subscribe)
    found = content.read_public(now=now)
    yield "index.html", rendering.front(top, now=now)
    yield "feed.atom", rendering.atom(top, now=now)
    yield "status.json", rendering.json(top, now=now)
    for name in ("status.css", "status.js"):
        yield name, _static(name)
    for first in content.months_of(found, now=now):
        yield f"history/{first:%Y-%m}/index.html", rendering.month(below, first, now=now)
    for kind, numbers in (("incident", found.incidents), ("maintenance", found.maintenance)):
        for number in sorted(numbers):
            page = rendering.post(below, kind, number, now=now)
            if page is not None:
                yield f"{kind}/{number}/index.html", page


def _static(name: str) -> bytes:
    path = finders.find(f"alerts/{name}")
    if not isinstance(path, str):
        raise ExportError(f"alerts/{name} is missing from the installation.")
    return Path(path).read_bytes()


def _point(folder: Path, written: Path) -> None:
    """A link takes the place of another in one step."""
    beside = written.parent / f".{written.name}.link"
    beside.symlink_to(os.path.relpath(written, folder.parent))
    beside.replace(folder)


def _clean_up(store: Path, *, but: Path) -> None:
    others = sorted(
        (one for one in store.iterdir() if one.is_dir() and one != but), key=lambda one: one.stat().st_mtime
    )
    for one in others[: max(len(others) - _KEPT + 1, 0)]:
        shutil.rmtree(one, ignore_errors=True)
