"""What digests of tests say: much, next to nothing, something hostile, and as much as there can be."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.digests.content import Action, Bar, Content, Row, Section
from dashboards.digests.periods import Kind
from dashboards.digests.sections.comparing import times
from dashboards.digests.wording import About
from dashboards.pages.words import bounds, counted, failed_of, percent
from dashboards.statistics import share_of
from dashboards.templatetags.numbers import took
from events import formats

_WINDOW = "?window=custom&from=2026-11-26T07%3A00%3A00Z&to=2026-11-27T07%3A00%3A00Z&environment=production"
AT = datetime(2026, 11, 26, 18, 40, tzinfo=UTC)
# Every hour of a day: a quiet night, and an evening on which something broke.
HOURS = (3, 2, 1, 0, 0, 1, 2, 4, 6, 5, 7, 6, 5, 4, 6, 5, 8, 11, 26, 52, 47, 38, 21, 12)


def an_about(**changes: Any) -> About:
    return About(
        **{
            "kind": Kind.DAILY, "start": datetime(2026, 11, 26, 7, tzinfo=UTC), "end": datetime(2026, 11, 27, 7, tzinfo=UTC),
            "zone": ZoneInfo("Europe/Berlin"), "is_late": False, "base_url": "https://mon.example",
            "digest_url": "https://mon.example/digests/read/WzEsMl0:1wA2bC:signature-of-it/",
            "settings_url": "https://mon.example/admin/dashboards/digestsubscription/7/change/",
            "unsubscribe_url": "https://mon.example/digests/unsubscribe/WzddOjF3:signature-of-it/",
            "scope_words": "all services in production", **changes,
        }
    )  # fmt: skip


def page(name: str, more: str = "") -> str:
    return f"/admin/analytics/{name}/{_WINDOW}{more}"


def rich_in(code: str) -> Content:
    """The same evening in the formats of a locale."""
    with formats.written_for(code):
        return rich()


def rich() -> Content:
    """An evening on which payments failed."""
    began = formats.day_and_hour(AT, has_year=False)
    stable = (
        f"14 of {counted(12820, 'session')} did not become stable ({percent(0.0011)}), as before: "
        f"{bounds(share_of(14, 12820))} is what chance leaves open."
    )
    clocks = (
        f"MTTA {took(246_000)} (2 of 2 acknowledged, {took(31_500)} the day before). "
        f"MTTR {took(9_200_000)} (1 of 2 resolved)."
    )
    incident = "/admin/alerts/incident/12/change/"
    checkout = page("endpoints/endpoint", "&endpoint=%2Fapi%2Fcheckout&service=1")
    mend = Action(
        "Mend /api/checkout",
        f"42 of 310 requests failed ({percent(0.012)} before), 31 users hurt",
        checkout,
        users=31,
        is_urgent=True,
    )
    goon = Action(
        "Go on with incident #12", "Payments fail for some: mitigated 40 minutes ago, not resolved", incident, 31, True
    )
    send = Action(
        "Send less to openai, or fall back sooner", "openai fails more than the others: 38 of 44 failures, 36 caught by a fallback",
        page("ai"), users=9,
    )  # fmt: skip
    return Content(
        verdict="Payment checkout is failing for 31 users. 1 incident is open, AI generation times out three times as often as "
        "last Friday, and 2 issues came back after being resolved.",
        tone="bad",
        actions=(mend, goon, send),
        sections=(
            Section(
                "endpoints", "Failing endpoints", "Which endpoints fail, and for whom?", page("endpoints"),
                f"/api/checkout failed for 42 of 310 requests ({percent(0.135)}) since {began}, {times(11.2)} the day before; "
                "3 other endpoints fail as usual.",
                users=31, is_changed=True,
                rows=(
                    Row("/api/checkout", "42 of 310 requests failed", checkout),
                    Row("/api/career", failed_of(9, 1204), page("endpoints/endpoint", "&endpoint=%2Fapi%2Fcareer")),
                ),
                trend=HOURS, trend_caption="Failures in each hour",
                actions=(mend,),
            ),
            Section(
                "ai", "AI generation", "How many timeouts per feature? Which provider fails most?", page("ai"),
                "OpenAI timed out 41 times, 3 × last Friday, 38 of them on career. A fallback answered 36 of 38.",
                users=9, is_changed=True,
                rows=(
                    Row("career", "38 timeouts", page("ai", "&feature=career")),
                    Row("resume", "3 timeouts", page("ai", "&feature=resume")),
                ),
                bars=(
                    Bar("openai", 41, "41 failures"), Bar("anthropic", 6, "6 failures"), Bar("mistral", 1, "1 failure"),
                ),
                bars_caption="Failures by provider",
                actions=(send,),
            ),
            Section(
                "sessions", "Sessions and sign-in", "Do sessions hold after sign-in?", page("security"),
                stable, users=14,
                rows=(Row("session_stabilization_failure", "14 events", page("feed", "&name=session_stabilization_failure")),),
            ),
            Section(
                "incidents", "Incidents", "What was broken, and how fast was it noticed and mended?", page("incidents"),
                "2 incidents opened, as many as the day before; 2 incidents hurt users, 1 open now. "
                f"{clocks}",
                users=31, is_changed=True,
                rows=(
                    Row("#12 Payments fail for some", "SEV1, mitigated", incident),
                    Row("#11 Sessions end early", "SEV3, over", "/admin/alerts/incident/11/change/"),
                ),
            ),
            Section(
                "limits", "Rate limits and lockouts", "Which IPs are being limited? A legitimate spike, or an attack?",
                page("security"), "Limited: 61 times, most of them from one address, which tried 44 accounts: an attack.",
                is_changed=True, rows=(Row("203.0.113.0/24", "58 times", page("security")),),
            ),
        ),
        quiet=("E-mail and Formspree", "Data consistency"),
        incidents=(Row("#12 Payments fail for some", "SEV1, mitigated", incident),), open_count=1,
        notes=("3 events came too late to be counted in the review before this one.",),
    )  # fmt: skip


def quiet() -> Content:
    return Content(
        verdict="Nothing failed in 24 hours. No issue is open.", tone="good",
        quiet=("Incidents", "What failed", "Failing endpoints", "AI generation", "Sessions and sign-in", "Data consistency"),
    )  # fmt: skip


EVIL = (
    '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{ 7|add:7 }}{% now "Y" %}',
    "</td></tr></table><style>*{display:none}</style><a href='javascript:alert(1)'>x</a>",
    "<!channel> <!here> <@U024BE7LH> <#C024BE7LR> <https://evil.example|Liftmon> @everyone &lt;!channel&gt;",
    "a\r\nBcc: evil@b.example\r\n\r\nUNSUBSCRIBE\n------\x00\x1b[31m\ud800\u2028\u2029",
    "\u202eevil\u2066 שלום עולם \u2067مرحبا 12\u202d",
    "]]><!-- --> --!> <![CDATA[ <svg/onload=alert(1)> &#60;b&#62; https://evil.example/x.png",
)


def hostile() -> Content:
    """Somebody who may send events wrote every text of it."""
    section = Section(
        EVIL[0], EVIL[1], EVIL[2], "javascript:alert(1)", " ".join(EVIL), users=-3, is_changed=True,
        rows=(
            Row(EVIL[0], EVIL[4], "//evil.example/"), Row(EVIL[2], EVIL[3], "https://evil.example/"),
            Row(EVIL[4], EVIL[5], '/admin/"><script>alert(1)</script>'),
        ),
        bars=(Bar(EVIL[4], 1, EVIL[2]), Bar(EVIL[0], float("nan"), EVIL[1]), Bar(EVIL[5], -1, EVIL[5])),
        bars_caption=EVIL[0], trend=(float("nan"), -1, float("inf"), 2), trend_caption=EVIL[0],
    )  # fmt: skip
    return Content(
        verdict=" ".join(EVIL[2:4]), tone='bad"><script>', sections=(section,), quiet=EVIL, notes=EVIL,
        incidents=section.rows, open_count=1_000_007,
        actions=tuple(Action(words, EVIL[-number], "/admin/|<script>", is_urgent=True) for number, words in enumerate(EVIL)),
    )  # fmt: skip


def largest(char: str = "&") -> Content:
    """More of everything than there can be, of the sign that takes most room."""
    words = char * 3000
    link = f"/admin/analytics/?{'&amp=' * 380}"
    row, bar = Row(words, words, link), Bar(words, 3, words)
    section = Section(
        "most", words, words, link, words, 1_000_000_000, True, rows=(row,) * 9, bars=(bar,) * 99, bars_caption=words,
        trend=tuple(range(5000)), trend_caption=words,
    )  # fmt: skip
    return Content(
        verdict=words, tone="bad", actions=(Action(words, words, link, 1, True),) * 9, sections=(section,) * 60,
        quiet=(words,) * 60, notes=(words,) * 60, incidents=(row,) * 9, open_count=1_000_000_000,
    )  # fmt: skip
