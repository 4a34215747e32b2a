"""The list of incidents."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling, timeline
from tests.alerts.admin.incidents.visiting import LIST, MINUTE, Budget, get, told
from tests.alerts.admin.people import make_rule
from tests.alerts.incidents.making import make_incident
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")


class TestList:
    def test_what_goes_on_comes_first_and_then_the_newest(self, eve: User) -> None:
        now = timezone.now()
        for title, minutes, state in (("Old", 90, "triggered"), ("Done", 60, "resolved"), ("New", 30, "mitigated")):
            make_incident(title, at=now - minutes * MINUTE, state=state)

        text = told(get(eve, LIST))

        assert text.index("New") < text.index("Old") < text.index("Done")

    def test_a_row_says_what_how_bad_who_and_how_fast(self, ada: User) -> None:
        now = timezone.now()
        incident = make_incident("Nobody can pay", at=now - 60 * MINUTE, severity=1, commander=ada)
        handling.acknowledge(incident.pk, by=ada, at=now - 56 * MINUTE)
        handling.resolve(incident.pk, by=ada, at=now - 8 * MINUTE)

        text = told(get(ada, LIST))

        for words in ("SEV1", "Resolved", "Nobody can pay", "4 minutes", "52 minutes", "ada", "lasted 52 minutes"):
            assert words in text, words

    def test_users_are_counted_behind_the_list(self, ada: User, sender: Sender) -> None:
        now = timezone.now()
        incident = make_incident(at=now - 5 * MINUTE, service=sender.service)
        nothing = make_incident("Nothing named", at=now)
        sender.store(*({"event": "x", "severity": "error", "message": "x", "user_id": user} for user in ("u1", "u2")))
        address = re.search(r'hx-get="([^"]+counted/[^"]+)"', get(ada, LIST))
        assert address is not None

        counted = get(ada, address[1].replace("&amp;", "&"))

        assert re.search(rf'id="lm-hurt-{incident.pk}"[^>]*>2</a>', counted)
        assert re.search(rf'id="lm-hurt-{nothing.pk}"[^>]*>not known</span>', counted)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=ongoing", {"First", "Second"}),
            ("state=resolved", {"Third"}),
            ("severity=1", {"First"}),
            ("service=0", {"First", "Third"}),
            ("opened=24h", {"First", "Second"}),
            ("acknowledged=no", {"First", "Second"}),
            ("resolved=yes", {"Third"}),
            ("q=Seco", {"Second"}),
            ("q=pool", {"First"}),
            ("opened=2001-01-01T00:00Z/2001-01-02T00:00Z", set()),
            ("opened=nonsense&severity=x&state=y", {"First", "Second", "Third"}),
        ],
    )
    def test_it_is_narrowed(self, eve: User, sender: Sender, query: str, found: set[str]) -> None:
        now = timezone.now()
        first = make_incident("First", at=now - 9 * MINUTE, severity=1)
        make_incident("Second", at=now - 8 * MINUTE, service=sender.service)
        third = make_incident("Third", at=now - timedelta(days=3))
        handling.resolve(third.pk, by=None, at=now - timedelta(days=2))
        timeline.note(first.pk, by=None, at=now, text="The pool is empty.")

        titles = set(re.findall(r'<span class="lm-issue-title">(\w+)</span>', get(eve, f"{LIST}?{query}")))

        assert titles == found

    def test_a_span_of_a_link_holds_what_was_opened_in_it(self, eve: User) -> None:
        now = timezone.now().replace(second=0, microsecond=0)
        make_incident("In", at=now - 10 * MINUTE)
        make_incident("Out", at=now - 5 * MINUTE)
        span = f"{now - 10 * MINUTE:%Y-%m-%dT%H:%MZ}/{now - 5 * MINUTE:%Y-%m-%dT%H:%MZ}"

        titles = re.findall(r'<span class="lm-issue-title">(\w+)</span>', get(eve, f"{LIST}?opened={span}"))

        assert titles == ["In"]

    def test_an_empty_list_teaches_what_opens_one(self, ada: User, eve: User) -> None:
        make_rule(opens_incident=True)

        text = get(ada, LIST)

        assert "1 rule opens one when its alert fires" in told(text)
        assert f'href="{LIST}open/"' in text
        assert f'href="{LIST}open/"' not in get(eve, LIST)

    def test_more_rows_cost_no_more_queries(self, eve: User, django_assert_max_num_queries: Budget) -> None:
        for _ in range(12):
            make_incident(commander=eve)
        client = client_of(eve)
        client.get(LIST)
        with django_assert_max_num_queries(11):
            client.get(LIST)
