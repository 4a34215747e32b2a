"""Admin pages of other people's tables, in Unfold's dress."""

from dashboards.admin import accounts as accounts
from dashboards.admin import schedules as schedules
