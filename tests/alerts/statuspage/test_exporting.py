"""The page as files: complete, linked, and swapped at once."""

import json
import re
from io import StringIO
from pathlib import Path
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from alerts.statuspage import exporting
from alerts.statuspage.levels import Level
from tests.alerts.incidents.making import make_incident
from tests.alerts.statuspage.making import DAY, HOUR, make_component, make_window, post

pytestmark = pytest.mark.django_db


def export(folder: Path, *more: str) -> str:
    out = StringIO()
    call_command("exportstatus", str(folder), *more, stdout=out)
    return out.getvalue()


def fill() -> None:
    now = timezone.now()
    payments = make_component("Payments", "Website")
    going, over = make_incident("db-7"), make_incident("db-8")
    post(going, levels={payments: Level.MAJOR})
    post(over, levels={payments: Level.PARTIAL}, title="Old trouble", at=now - 70 * DAY)
    post(over, "resolved", title="Old trouble", at=now - 70 * DAY + HOUR)
    make_window("db-9", payments)


def test_every_page_is_there_and_every_link_leads_to_one(tmp_path: Path) -> None:
    fill()

    said = export(tmp_path / "status", "--url", "https://status.example")

    root = tmp_path / "status"
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert said.startswith(f"{len(files)} files in ")
    assert {"index.html", "feed.atom", "status.json", "status.css", "status.js"} <= files
    assert sum(name.startswith("incident/") for name in files) == 2
    assert sum(name.startswith("maintenance/") for name in files) == 1
    assert sum(name.startswith("history/") for name in files) >= 3
    for name in sorted(files):
        if name.endswith(".html"):
            page = (root / name).read_text()
            links = re.findall(r'(?:href|src|action)="([^"#]+)"', page)
            assert len(links) > 4
            for link in links:
                if not link.startswith("http"):
                    assert urljoin(f"/{name}", link).lstrip("/") in files, (name, link)
            assert "<form" not in page
            assert "/status/subscribe/" in page
            assert "db-" not in page
    assert "Content-Security-Policy" in (root / "index.html").read_text()


def test_feeds_name_the_address_where_it_is_seen(tmp_path: Path) -> None:
    fill()
    export(tmp_path / "status", "--url", "https://status.example")

    feed = ET.fromstring((tmp_path / "status/feed.atom").read_text())  # noqa: S314 - ours
    told = json.loads((tmp_path / "status/status.json").read_text())
    assert feed.findtext("{http://www.w3.org/2005/Atom}id") == "https://status.example/"
    assert told["incidents"][0]["url"].startswith("https://status.example/incident/")


def test_it_is_swapped_at_once_and_the_one_before_is_kept_for_its_readers(tmp_path: Path) -> None:
    folder, seen = tmp_path / "status", []
    folder.mkdir()  # an empty one is in nobody's way
    for _ in range(4):
        export(folder)
        seen.append(folder.resolve())
        assert folder.is_symlink()
        assert not folder.readlink().is_absolute()

    assert len(set(seen)) == 4
    assert [one.exists() for one in seen] == [False, False, True, True]
    assert {one.name for one in tmp_path.iterdir()} == {"status", ".status.exports"}


def test_what_fails_half_way_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "status"
    export(folder)
    before = folder.resolve()

    def broken(*_: object, **__: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(exporting.rendering, "json", broken)
    with pytest.raises(RuntimeError):
        export(folder)

    assert folder.resolve() == before
    assert len(list((tmp_path / ".status.exports").iterdir())) == 1


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")

    with pytest.raises(CommandError, match="no earlier export"):
        export(tmp_path / "mine")

    assert (tmp_path / "mine/letter.txt").read_text() == "dear"


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--url"):
        export(tmp_path / "status", "--url", "status.example")


def test_it_can_say_nothing(tmp_path: Path) -> None:
    assert export(tmp_path / "status", "--quiet") == ""
