"""When an attempt to send is due. Pure: the time and the jitter are passed in.

Ten attempts over a day. The first pauses are short, since most failures are a hiccup and the alert is news; the last are long, for
a receiver that is down for the night.
"""

from datetime import datetime, timedelta

# Before the second attempt, the third, …; they sum up to a day.
_PAUSES_SECONDS = (5, 25, 90, 480, 1200, 5400, 14_400, 28_800, 36_000)
ATTEMPTS = len(_PAUSES_SECONDS) + 1
# A pause is so much shorter or longer at most: what failed together must not come back together.
JITTER_SHARE = 0.1
LONGEST_WAIT_SECONDS = 86_400.0


def due_at(
    attempt: int, *, failed_at: datetime, jitter: float, retry_after_seconds: float | None = None
) -> datetime | None:
    """When attempt ``attempt`` (1 to 10) is due after the one before it failed at ``failed_at``; None for one that is not made.

    ``jitter`` is from 0 to 1, at random; 0.5 leaves the pause as it is. The receiver's Retry-After makes a pause longer and never
    shorter, up to a day. The first attempt is due when its message was written: pass that as ``failed_at``.
    """
    if attempt > ATTEMPTS:
        return None
    if attempt <= 1:
        return failed_at
    pause = _PAUSES_SECONDS[attempt - 2]
    wait = pause * (1 + JITTER_SHARE * (2 * min(max(jitter, 0.0), 1.0) - 1))
    if retry_after_seconds is not None and retry_after_seconds > 0:
        # Later than asked, never sooner: what was told to wait comes back spread out, too.
        wait = max(wait, retry_after_seconds * (1 + JITTER_SHARE * min(max(jitter, 0.0), 1.0)))
    return failed_at + timedelta(seconds=min(wait, LONGEST_WAIT_SECONDS))
