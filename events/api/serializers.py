"""The shapes of the ingest API, for its OpenAPI description. Reading is done by events.ingest, which is more forgiving."""

from typing import Any

from rest_framework import serializers

from events.choices import SeverityChoices


class EventSerializer(serializers.Serializer[Any]):
    event = serializers.CharField(max_length=200, help_text="The event's name, for example api_timeout.")
    event_id = serializers.CharField(
        required=False, help_text="Your id (a UUID). A repeat within 7 days is stored once and answered as a success."
    )
    timestamp = serializers.CharField(required=False, help_text="ISO 8601 or epoch; without it the time of arrival.")
    severity = serializers.ChoiceField(
        SeverityChoices.choices,
        required=False,
        help_text="Also as “level”, and in other words (warn, fatal, CRITICAL).",
    )
    message = serializers.CharField(required=False, help_text="Also as “error” or “reason”.")
    endpoint = serializers.CharField(required=False)
    duration_ms = serializers.FloatField(required=False, help_text="Milliseconds; also as “response_time_ms”.")
    user_id = serializers.CharField(required=False, help_text="Kept only as a keyed hash.")
    session_id = serializers.CharField(required=False)
    environment = serializers.CharField(required=False)
    release = serializers.CharField(required=False)
    stack = serializers.CharField(required=False, help_text="A stack trace as text, of any common language.")
    breadcrumbs = serializers.ListField(child=serializers.DictField(), required=False)
    tags = serializers.DictField(child=serializers.CharField(), required=False)
    fingerprint = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Groups by this instead; “{{ default }}” adds to ours."
    )

    def get_fields(self) -> dict[str, Any]:
        """``data`` is also a property of every serializer, so it cannot be declared by name."""
        data = serializers.DictField(
            required=False,
            help_text="Anything else. The optional fields may also stand in here; the top level wins.",
        )
        return {**super().get_fields(), "data": data}


class RejectedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="The event's place in the request, from 0.")
    code = serializers.CharField()
    detail = serializers.CharField()


class AcceptedSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    accepted = serializers.IntegerField(help_text="Events that are stored.")
    rejected = RejectedSerializer(many=True)
    id = serializers.UUIDField(required=False, help_text="Of a single event: your event_id, or ours.")


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField(help_text="What to fix.")

    def get_fields(self) -> dict[str, Any]:
        """``errors`` is also a property of every serializer, so it cannot be declared by name."""
        errors = serializers.ListField(
            child=serializers.DictField(), required=False, help_text="Each thing to fix, where there may be several."
        )
        return {**super().get_fields(), "errors": errors}
