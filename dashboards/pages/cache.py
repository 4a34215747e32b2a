"""Cache: hit rates by key prefix, and times to live that do not pay."""

from typing import Any

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link
from dashboards.pages.report_page import ReportPage
from dashboards.pages.words import counted, joined, percent
from dashboards.reports.cache import Cache, CachePrefix, CacheTtl
from dashboards.reports.releases import new_releases
from dashboards.statistics import is_apart
from dashboards.templatetags.numbers import took

_MOST_ROWS = 100


class CachePage(ReportPage):
    title = "Cache"
    template_name = "admin/analytics/cache.html"
    report_name = "cache"

    def told(self, answer: Cache) -> dict[str, Any]:
        return {
            "headline": headline(answer),
            "chart": self._chart(answer) if answer.hit_rate.total else None,
            "prefixes": [self._prefix(one) for one in answer.prefixes[:_MOST_ROWS]],
            "more": max(0, len(answer.prefixes) - _MOST_ROWS),
            "ttls": [
                (
                    one,
                    _lasts(one.ttl),
                    self.service_name(one.service_id),
                    self._link(one.service_id, _label("key", one.prefix), _label("ttl", one.ttl)),
                )
                for one in answer.ttls[:_MOST_ROWS]
            ],
        }

    def _prefix(self, one: CachePrefix) -> dict[str, Any]:
        trend = ""
        if is_apart(one.hit_rate, one.hit_rate_before):
            trend = "worse" if (one.hit_rate.share or 0) < (one.hit_rate_before.share or 0) else "better"
        label = _label("key", one.prefix)
        return {
            "of": one,
            "trend": trend,
            "service": self.service_name(one.service_id),
            "link": self._link(one.service_id, label),
            "misses_link": self._link(one.service_id, label, "-hit:true"),
        }

    def _link(self, service_id: int, *labels: str) -> str:
        return events_link(self.question, name="cache_performance", service=service_id, label=labels)

    def _chart(self, answer: Cache) -> dict[str, Any]:
        return over_time(
            "lm-cache",
            "Lookups: hits and misses",
            self.question,
            [
                Dataset("Misses", "warning", [step.misses for step in answer.steps]),
                Dataset("Hits", "neutral", [step.hits for step in answer.steps]),
            ],
            y_label="lookups",
            releases=new_releases(self.question),
            incidents=self.incidents,
        )


def headline(answer: Cache) -> str:
    """Which key prefixes miss most, and which times to live do not pay."""
    rate = answer.hit_rate
    if not rate.total:
        return ""
    words = [
        f"{percent(rate.share)} of {counted(rate.total, 'lookup')} were hits (before: {percent(answer.hit_rate_before.share)})."
    ]
    missing = [one for one in answer.prefixes if one.misses]
    if missing:
        named = [
            f"{one.prefix or 'keys without a name'} ({counted(one.misses, 'miss', 'misses')})" for one in missing[:3]
        ]
        words.append(f"Missed most: {joined(named)}.")
    poor = [one for one in answer.ttls if one.verdict == "does_not_pay"]
    if poor:
        words.append(
            f"{counted(len(poor), 'time')} to live {'does' if len(poor) == 1 else 'do'} not pay: {_poor(poor[0])}."
        )
    else:
        words.append("No time to live fails to pay.")
    return " ".join(words)


def _label(name: str, value: str) -> str:
    """The filter that finds what is labelled so; "" for what has no such label."""
    return f"{name}:{value}" if value else f"-{name}"


def _poor(one: CacheTtl) -> str:
    return f"{one.prefix or 'keys without a name'} kept for {_lasts(one.ttl)} is found in {percent(one.hit_rate.share)} of lookups"


def _lasts(ttl: str) -> str:
    """Seconds in words; what is no number, as it came."""
    return took(1000 * int(ttl)) if ttl.isascii() and ttl.isdecimal() and len(ttl) < 10 else ttl or "no told time"
