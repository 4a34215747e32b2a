import pytest

from events.user_agents import browser_of


@pytest.mark.parametrize(
    ("user_agent", "browser"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36", "Chrome 143"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36 Edg/142.0", "Edge 142"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15", "Safari 17"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", "Safari 18"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Bot 2"),
        ("curl/8.5.0", "curl 8"),
        ("node", "Node"),
        ("something of our own", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_it_names_family_and_major_version(user_agent: str, browser: str) -> None:
    assert browser_of(user_agent) == browser


def test_it_reads_only_the_beginning_of_an_endless_one() -> None:
    assert browser_of("x" * 1_000_000 + " Firefox/128") == ""
