import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from events.models import IngestKey, Service

pytestmark = pytest.mark.django_db


def test_it_prints_what_a_script_needs() -> None:
    out = StringIO()

    call_command("createservice", "Lift Web", "--json", stdout=out)

    made = json.loads(out.getvalue())
    assert set(made) == {"id", "slug", "secret_key", "public_key", "dsn", "ingest_url", "curl"}
    assert made["slug"] == "lift-web"
    assert made["dsn"].startswith(f"http://{made['public_key']}@")
    assert made["dsn"].endswith(f"/{made['id']}")
    assert IngestKey.objects.filter(digest=IngestKey.digest_of(made["secret_key"])).exists()


def test_it_tells_a_person_the_same() -> None:
    out = StringIO()

    call_command("createservice", "lift web", stdout=out)

    assert "shown once" in out.getvalue()
    assert "curl -sS" in out.getvalue()


@pytest.mark.parametrize("name", ["LIFT web", "lift-web", "  ", "!!"])
def test_a_name_that_cannot_be_used_is_refused_with_why(name: str) -> None:
    call_command("createservice", "lift web", stdout=StringIO())

    with pytest.raises(CommandError, match=r"Choose another name|letters or digits"):
        call_command("createservice", name, stdout=StringIO())

    assert Service.objects.count() == 1
