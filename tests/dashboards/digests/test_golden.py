"""Digests letter by letter. ``LIFTMON_RENEW_GOLDEN=1`` writes the files anew (golden/README.md)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dashboards.digests.content import Content, read, written
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.digests.wording import About
from tests.dashboards.digests.contents import an_about, hostile, quiet, rich, rich_in

FOLDER = Path(__file__).parent / "golden"
CASES = {
    "rich": (rich(), an_about()),
    "rich-de": (rich_in("de"), an_about(formats="de")),
    "rich-fr": (rich_in("fr"), an_about(formats="fr", is_late=True)),
    "quiet": (quiet(), an_about(is_late=True, settings_url="")),
    "hostile": (hostile(), an_about(scope_words="<b>web</b> in all environments")),
}


@pytest.fixture(autouse=True)
def _product(settings: Any) -> None:
    settings.STATUS_PAGE_NAME = "lift"


def assert_golden(name: str, made: str) -> None:
    file = FOLDER / name
    if os.environ.get("LIFTMON_RENEW_GOLDEN"):
        file.write_text(made, encoding="utf-8", newline="")
    assert made == file.read_bytes().decode(), f"{name} is different: see golden/README.md"


@pytest.mark.parametrize("name", CASES)
def test_a_mail_is_as_it_was_read_and_approved(name: str) -> None:
    mail = mail_of(*CASES[name])

    assert_golden(f"{name}.html", mail.html)
    assert_golden(f"{name}.txt", f"Subject: {mail.subject}\n\n{mail.text}")


@pytest.mark.parametrize("name", CASES)
def test_a_slack_message_is_as_it_was_read_and_approved(name: str) -> None:
    assert_golden(f"{name}.slack.json", json.dumps(slack_of(*CASES[name]), indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize(("content", "about"), CASES.values(), ids=CASES)
def test_what_was_kept_is_written_as_what_was_built(content: Content, about: About) -> None:
    kept = read(json.loads(json.dumps(written(content))))

    assert mail_of(kept, about).html == mail_of(content, about).html
