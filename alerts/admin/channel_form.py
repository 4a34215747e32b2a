"""Making and changing a channel. The fields of each kind are those of alerts.channels.kinds; secrets are written, never read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from alerts.channels import pagerduty, webhook
from alerts.channels.kinds import KINDS
from alerts.channels.outcome import SettingsError
from alerts.models import Channel, ChannelKind, Route
from alerts.sealing import SealBrokenError, seal, unseal

# These say where to, not with which right: they are shown. Whatever else a channel holds is written only.
_SHOWN = frozenset({"to", "region", "receiver", "channel"})
# Without these a kind works, too; what is kept of them can be taken away.
_REMOVABLE = frozenset(
    {
        ("alertmanager", "bearer_token"), ("pagerduty", "url"), ("slack", "webhook_url"), ("slack", "token"),
        ("slack", "signing_secret"), ("slack", "url"),
    }
)  # fmt: skip
# What a field is called, and what its help says.
_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("email", "to"): ("Addresses", "With commas between them."),
    ("slack", "webhook_url"): (
        "Webhook URL", "Slack shows it under Incoming Webhooks: https://hooks.slack.com/services/… (or enter a bot's token).",
    ),
    ("slack", "token"): ("Bot token", "xoxb-…, under OAuth & Permissions. A bot changes its message when the alert changes."),
    ("slack", "channel"): ("Channel ID", "C…, at the end of the channel's details. Invite the app there."),
    ("slack", "signing_secret"): (
        "Signing secret", "Under Basic Information. With it buttons act in Slack; request URL: /alerts/slack/interactivity/ here.",
    ),
    ("slack", "url"): ("Other server", "Empty for Slack itself; else the address of what speaks like its API."),
    ("pagerduty", "routing_key"): ("Integration key", "32 letters and digits, of the service's Events API V2 integration."),
    ("pagerduty", "region"): ("Region", "Of your PagerDuty account."),
    ("pagerduty", "url"): ("Other receiver", "Empty for PagerDuty itself; else the URL of what takes the same events."),
    ("webhook", "url"): ("URL", "That shall receive the alerts, as https://host/path."),
    ("webhook", "secret"): (
        "Signing secret", "whsec_…, which the receiver checks signatures by. Newest first when there are two, with a space.",
    ),
    ("alertmanager", "url"): ("URL", "That shall receive the alerts, as https://host/path."),
    ("alertmanager", "bearer_token"): ("Bearer token", "Sent as Authorization. Empty: none."),
    ("alertmanager", "receiver"): ("Receiver", "The name that the document carries; liftmon when empty."),
    ("apprise", "url"): ("Apprise URL", "Such as discord://id/token or tgram://bottoken/chatid."),
}  # fmt: skip


def field_name(kind: str, setting: str) -> str:
    return f"{kind}__{setting}"


def removal_name(kind: str, setting: str) -> str:
    return f"{kind}__{setting}__remove"


def _setting_field(kind: str, setting: str) -> forms.Field:
    label, help_text = _WORDS.get((kind, setting), (setting.replace("_", " ").capitalize(), ""))
    common: dict[str, Any] = {"label": label, "help_text": help_text, "required": False}
    if setting == "region":
        return forms.ChoiceField(
            choices=[(one, one.upper()) for one in pagerduty.ENDPOINTS], widget=UnfoldAdminSelectWidget(), **common
        )
    field = forms.CharField(max_length=2000, **common)
    # A password's field would be filled in by browsers, with the one for Liftmon itself.
    field.widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"})
    return field


def _fields() -> dict[str, forms.Field]:
    found = {}
    for kind in KINDS.values():
        for setting in kind.fields:
            field = found[field_name(kind.name, setting)] = _setting_field(kind.name, setting)
            if (kind.name, setting) in _REMOVABLE:
                found[removal_name(kind.name, setting)] = forms.BooleanField(
                    label=f"Take the {str(field.label).lower()} away", required=False, widget=UnfoldBooleanWidget()
                )
    return found


SETTING_FIELDS: Mapping[str, forms.Field] = _fields()


class BaseChannelForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    routes = forms.ModelMultipleChoiceField(
        queryset=Route.objects.order_by("position", "pk"), required=False, label="Routes that it is on",
        widget=UnfoldAdminCheckboxSelectMultipleWidget(), help_text="Alerts that these take are sent here, too.",
    )  # fmt: skip

    class Meta:
        model = Channel
        fields = ("name", "kind", "is_enabled", "routes")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kept: dict[str, str] = {}
        if self.instance.pk:
            self._show_kept()
        else:
            self._offer()

    def _show_kept(self) -> None:
        kind = self.instance.kind
        self.initial["routes"] = list(self.instance.routes.values_list("pk", flat=True))
        try:
            self.kept = unseal(self.instance.sealed_settings)
        except SealBrokenError:
            return  # the page says so; entering the settings again mends it
        for setting, value in self.kept.items():
            field = self.fields.get(field_name(kind, setting))
            if field is None:
                continue
            if setting in _SHOWN:
                self.initial[field_name(kind, setting)] = value
            elif value:
                shown = KINDS[kind].masked(self.kept) if setting == KINDS[kind].shown_field else "••••"
                field.widget.attrs["placeholder"] = f"{shown} is kept while this stays empty"
        for other, setting in _REMOVABLE:
            if (other, setting) != (kind, setting) or not self.kept.get(setting):
                self.fields.pop(removal_name(other, setting), None)

    def _offer(self) -> None:
        """A first channel is put where alerts go nowhere yet; a webhook gets a secret that nobody can guess."""
        self.initial.setdefault("is_enabled", True)
        self.initial.setdefault(field_name("webhook", "secret"), webhook.new_secret())
        secret = self.fields.get(field_name("webhook", "secret"))
        if secret is not None:
            secret.help_text = f"{secret.help_text} Copy it to the receiver now: it is not shown again."
        for kind, setting in _REMOVABLE:
            self.fields.pop(removal_name(kind, setting), None)
        if "routes" in self.fields and not Channel.objects.exists():
            self.initial.setdefault(
                "routes", list(Route.objects.filter(channels=None, is_enabled=True).values_list("pk", flat=True))
            )
            self.fields[
                "routes"
            ].help_text = (
                "Alerts that these take go nowhere yet: leave them chosen, and they are sent to this first channel."
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = str((self.instance.kind if self.instance.pk else cleaned.get("kind")) or "")
        if kind in KINDS:
            given = self._given(kind, cleaned)
            try:
                self.instance.sealed_settings = seal(KINDS[kind].validated(given))
            except SettingsError as error:
                name = field_name(kind, error.field)
                self.add_error(name if name in self.fields else None, str(error))
        return cleaned

    def _given(self, kind: str, cleaned: dict[str, Any]) -> dict[str, str]:
        """What was entered, and of secrets that were not what is kept."""
        found = {}
        for setting in KINDS[kind].fields:
            value = cleaned.get(field_name(kind, setting)) or ""
            is_kept = not value and setting not in _SHOWN and not cleaned.get(removal_name(kind, setting))
            value = self.kept.get(setting, "") if is_kept else value
            if value:
                found[setting] = value
        return found

    @property
    def has_new_settings(self) -> bool:
        return any(name in SETTING_FIELDS for name in self.changed_data)


ChannelForm = type("ChannelForm", (BaseChannelForm,), dict(SETTING_FIELDS))


def target_of(channel: Channel) -> str:
    """Where it leads, masked: enough to tell two channels apart, too little to use one."""
    try:
        settings = unseal(channel.sealed_settings)
    except SealBrokenError as error:
        return str(error)
    if channel.kind == ChannelKind.EMAIL:
        addresses = [one for one in settings.get("to", "").split(", ") if one]
        more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
        return f"{_masked_address(addresses[0])}{more}" if addresses else "no address"
    region = f" ({settings['region']})" if channel.kind == ChannelKind.PAGERDUTY and "region" in settings else ""
    return f"{KINDS[channel.kind].masked(settings)}{region}"


def _masked_address(address: str) -> str:
    name, _, host = address.rpartition("@")
    return f"{name[:1]}•••@{host}"
