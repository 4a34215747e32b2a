from alerts.channels.kinds import KINDS


def test_every_kind_has_a_field_to_show_and_masks_it() -> None:
    assert list(KINDS) == ["email", "slack", "pagerduty", "webhook", "alertmanager", "apprise"]
    for kind in KINDS.values():
        assert kind.shown_field in kind.fields
        assert kind.masked({kind.shown_field: "https://somewhere.example/Xy12"}) == f"{kind.name} ••••Xy12"
        assert kind.masked({}) == f"{kind.name} ••••"
