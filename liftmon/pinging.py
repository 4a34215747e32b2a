"""Tells somebody outside that Liftmon works (LIFTMON_HEARTBEAT_URL, of healthchecks or the like), who raises the alarm when we fall
silent: a Liftmon that stopped tells nobody by itself."""

import structlog
from django.conf import settings

from alerts import outbound_http
from liftmon import health

logger = structlog.get_logger(__name__)


def ping() -> bool:
    """Whether it was told. Not while the periodic work has stopped or digests are overdue: silence is what is heard then."""
    if not settings.HEARTBEAT_URL:
        return False
    findings = health.examine()
    wrong = [name for name in health.PERIODIC if not findings[name].is_fine]
    if wrong:
        logger.warning("heartbeat_withheld", because=wrong)
        return False
    try:
        answer = outbound_http.get(settings.HEARTBEAT_URL, headers={})
    except outbound_http.OutboundError as error:
        logger.warning("heartbeat_not_heard", reason=str(error))
        return False
    if not 200 <= answer.status < 300:
        logger.warning("heartbeat_not_heard", status=answer.status)
        return False
    return True
