"""Digests and who gets them; and admin pages of other people's tables, in Unfold's dress."""

from dashboards.admin import accounts as accounts
from dashboards.admin import digest as digest
from dashboards.admin import schedules as schedules
from dashboards.admin import subscription as subscription
