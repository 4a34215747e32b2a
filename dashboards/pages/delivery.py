"""Delivery and consistency: e-mail and other messages that fail, and records that disagree."""

from typing import Any

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage
from dashboards.pages.words import counted, percent
from dashboards.reports.delivery import Channel, Delivery, DeliveryFailure
from dashboards.reports.releases import new_releases

_MOST_ROWS = 100
_DISAGREE = "data_consistency_error"
NAMES = {
    "formspree": "Formspree",
    "mail": "E-mail",
    "notification": "Notifications",
    "sms": "SMS",
    "webhook": "Webhooks",
}
_TONES = ("error", "warning", "users", "info", "neutral")
_FALLBACK = {"due": "a fallback is due", "watch": "watch it", "not_due": "no fallback is due"}


class DeliveryPage(ReportPage):
    title = "Delivery and consistency"
    template_name = "admin/analytics/delivery.html"
    report_name = "delivery"

    def told(self, answer: Delivery) -> dict[str, Any]:
        return {
            "headline": headline(answer),
            "chart": self._chart(answer) if answer.over_time else None,
            "channels": [
                (one, NAMES[one.channel], _FALLBACK[one.fallback], *self._channel_links(one, answer))
                for one in answer.channels
            ],
            "is_rate_unknown": any(one.failures and not one.successes for one in answer.channels),
            "failures": [
                (
                    one,
                    self.service_name(one.service_id),
                    self._link(one.service_id, one.name, one.severity, "reason", one.reason),
                    self._users_link(one, answer),
                )
                for one in answer.failures[:_MOST_ROWS]
            ],
            "inconsistencies": [
                (
                    one,
                    self.service_name(one.service_id),
                    self._link(one.service_id, _DISAGREE, "", "record", one.record),
                    # Users are not found by record: there is an address where there is one record.
                    page_link("analytics_users", self.question, service=one.service_id, name=_DISAGREE)
                    if [other.service_id for other in answer.inconsistencies].count(one.service_id) == 1
                    else "",
                )
                for one in answer.inconsistencies[:_MOST_ROWS]
            ],
            "is_record_missing": any(not one.record for one in answer.inconsistencies),
        }

    def _link(self, service_id: int, name: str, severity: str, label: str, value: str) -> str:
        return events_link(
            self.question,
            service=service_id,
            name=name,
            severity=severity,
            label=f"{label}:{value}" if value else f"-{label}",
        )

    def _channel_links(self, channel: Channel, answer: Delivery) -> tuple[str, str]:
        """Its failures and the users whom they hurt; "" where several names tell of them: no address finds them together."""
        names = {one.name for one in answer.failures if channel.channel in one.name}
        if len(names) != 1:
            return "", ""
        (name,) = names
        return (
            events_link(self.question, name=name, severity="failures"),
            page_link("analytics_users", self.question, name=name),
        )

    def _users_link(self, failure: DeliveryFailure, answer: Delivery) -> str:
        """Users are not found by reason: there is an address where there is one."""
        key = (failure.service_id, failure.name, failure.severity)
        if sum((one.service_id, one.name, one.severity) == key for one in answer.failures) > 1:
            return ""
        service_id, name, severity = key
        return page_link("analytics_users", self.question, service=service_id, name=name, severity=severity)

    def _chart(self, answer: Delivery) -> dict[str, Any]:
        tones = dict(zip(NAMES, _TONES, strict=True))
        return over_time(
            "lm-deliveries",
            "Failed deliveries",
            self.question,
            [Dataset(NAMES[one.channel], tones[one.channel], one.failures) for one in answer.over_time],
            y_label="failures",
            releases=new_releases(self.question),
            incidents=self.incidents,
        )


def headline(answer: Delivery) -> str:
    """How often do deliveries fail, is a fallback needed, and do records disagree."""
    if not answer.channels and not answer.inconsistencies:
        return ""
    words = [told_of(one) for one in answer.channels if one.failures]
    if answer.channels and not words:
        words.append("No delivery failed.")
    if answer.inconsistencies:
        events = sum(one.events for one in answer.inconsistencies)
        worst = answer.inconsistencies[0]
        of_what = f", most of {worst.record}" if worst.record else ""
        words.append(f"Records disagreed {counted(events, 'time')}{of_what}.")
    return " ".join(words)


def told_of(one: Channel, compared: str = "") -> str:
    """“Formspree failed 12 times (8 % of deliveries): a fallback is due.”"""
    rate = f" ({percent(one.rate.share)} of deliveries)" if one.rate.share is not None else ""
    return f"{NAMES[one.channel]} failed {counted(one.failures, 'time')}{compared}{rate}: {_FALLBACK[one.fallback]}."
