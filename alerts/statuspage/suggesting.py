"""Which components an incident is likely to affect: those made of the services and endpoints that its alerts are about."""

from alerts.incidents.belonging import services_of
from alerts.incidents.opening import story_of_alert
from alerts.matching import is_like
from alerts.models import Alert, Component, Incident


def suggested_components(incident: Incident) -> set[int]:
    """Ids. A component of certain endpoints is suggested when one of them fails."""
    alerts = Alert.objects.filter(membership__incident=incident).select_related("rule")
    stories = [story_of_alert(one) for one in alerts]
    services = {*services_of(stories), *([str(incident.service_id)] if incident.service_id else [])}
    services |= {str(one) for one in incident.issues.values_list("service_id", flat=True)}
    places = {(service, endpoint) for story in stories for service, endpoint in story.places if endpoint}
    return {
        component.pk
        for component in Component.objects.filter(service__in=[int(one) for one in services if one.isdigit()])
        if _is_hit(component, places)
    }


def _is_hit(component: Component, places: set[tuple[str, str]]) -> bool:
    its = {endpoint for service, endpoint in places if service in ("", str(component.service_id))}
    return not component.endpoints or any(
        is_like(endpoint, pattern) for endpoint in its for pattern in component.endpoints
    )
