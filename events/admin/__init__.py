"""The admin pages of what happened; Django finds them through this package."""

from events.admin import api_token as api_token
from events.admin import event as event
from events.admin import event_type as event_type
from events.admin import guard_hit as guard_hit
from events.admin import issue as issue
from events.admin import rejection as rejection
from events.admin import service as service
