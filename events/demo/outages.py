"""What *lift*'s logger says of its worst moments: the ``data`` of the guide's critical and security events."""

from random import Random
from typing import Any, Final

from events.demo.lift import CHECKOUT, PORTAL, TRIAL_START, WEBHOOK, identifier
from events.demo.stacks import Place, node_stack

type Data = dict[str, Any]

# A network that is reserved for documentation, so that it is nobody's.
ATTACKER_NETWORK: Final = "203.0.113"
_CAMPUS_NETWORKS: Final = ("198.51.100", "192.0.2")

_STRIPE_AWAY: Final = "An error occurred with our connection to Stripe. Request was retried 2 times."
# (endpoint, minutes after the first failure, how many, message)
PAYMENT_CASCADE: Final = (
    (CHECKOUT.path, 0.0, 130, _STRIPE_AWAY),
    (PORTAL.path, 1.4, 45, "Could not open the billing portal: Stripe did not answer"),
    (WEBHOOK.path, 2.6, 90, "Webhook could not be confirmed: subscription retrieval timed out"),
    (TRIAL_START.path, 3.9, 38, "Trial could not start: no Stripe customer was created"),
)


def payment_failure(random: Random, endpoint: str, message: str, user_id: str) -> Data:
    """A call that Stripe did not answer; the checkout's own is the guide's ``stripe_checkout_error``."""
    if endpoint == CHECKOUT.path:
        return {
            "error": message,
            "type": "StripeConnectionError",
            "severity": "CRITICAL",
            "endpoint": endpoint,
            "plan": random.choice(("pro_monthly", "pro_yearly")),
            "retry_count": 2,
            "user_id": user_id,
        }
    return {"endpoint": endpoint, "message": message, "method": "POST", "status": 502, "user_id": user_id}


def card_failure(random: Random, user_id: str) -> Data:
    """A single payment that did not go through, as on any day."""
    error, kind, code = random.choice(
        (
            ("Your card was declined.", "StripeCardError", "card_declined"),
            ("Your card has insufficient funds.", "StripeCardError", "insufficient_funds"),
            ("No such price: 'price_1QpRo2yearly'", "StripeInvalidRequestError", "resource_missing"),
        )
    )
    return {
        "error": error, "type": kind, "code": code, "severity": "CRITICAL", "endpoint": CHECKOUT.path, "user_id": user_id,
    }  # fmt: skip


def cascade(error_count: int) -> Data:
    return {
        "severity": "CRITICAL",
        "message": "4 endpoints failed within 5 minutes",
        "endpoints": [endpoint for endpoint, *_ in PAYMENT_CASCADE],
        "error_count": error_count,
        "window": "5min",
    }


def pool_error(random: Random) -> Data:
    message = random.choices(
        (
            "timeout exceeded when trying to connect",
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        ),
        (3, 1),
    )[0]
    return {
        "message": message, "severity": "CRITICAL", "total": 20, "idle": 0, "waiting": random.randint(4, 61),
    }  # fmt: skip


_POOL_TIMEOUT: Final = (
    "Timed out fetching a new connection from the connection pool. "
    "(Current connection pool timeout: 10, connection limit: 20)"
)
_POOL_PLACES: Final = (
    Place("withClient", "/app/lib/db.js", 37, 11),
    Place("loadSession", "/app/lib/session.js", 22, 20),
)


def pool_timeout(random: Random, user_id: str) -> Data:
    """A request that waited for a connection in vain; it shows at many endpoints and has one cause."""
    endpoint = random.choice(
        ("/api/auth/session", "/api/profile", "/api/flashcards", "/api/planner", "/api/notifications")
    )
    return {
        "endpoint": endpoint,
        "message": _POOL_TIMEOUT,
        "method": "GET",
        "status": 500,
        "duration_ms": random.randint(10_001, 10_480),
        "user_id": user_id,
        "stack": node_stack("PrismaClientKnownRequestError", _POOL_TIMEOUT, _POOL_PLACES),
    }


def adapter_failure() -> Data:
    return {
        "message": "[next-auth][error][adapter_error_getSessionAndUser] Can't reach database server at `db:5432`",
        "severity": "CRITICAL",
    }


def session_failure() -> Data:
    return {"message": "[next-auth][error][JWT_SESSION_ERROR] decryption operation failed", "severity": "CRITICAL"}


def limited(random: Random, network: str = "") -> Data:
    """``auditLog('beta_register_rate_limited', null, { ip })``: an address and nothing else."""
    return {"ip": _address(random, network)}


def lockout(random: Random, network: str, email: str) -> Data:
    return {
        "email": email, "ip": _address(random, network), "failedAttempts": random.randint(5, 9), "severity": "CRITICAL",
    }  # fmt: skip


def _address(random: Random, network: str) -> str:
    return f"{network or random.choice(_CAMPUS_NETWORKS)}.{random.randint(2, 250)}"


def disagreement(random: Random, user_id: str) -> Data:
    """Prisma's row and the user's own copy of its id do not agree; sometimes the user has none."""
    return {
        "expected": identifier(random),
        "actual": identifier(random) if random.random() < 0.7 else None,
        "severity": "WARNING",
        "endpoint": "/api/beta/register",
        "user_id": user_id,
    }


def bad_log(random: Random, email: str) -> Data:
    """The guide's example of a bad log: what the scrubber is for. Nothing in it is real."""
    return {
        "message": "Error: Request failed with status code 401",
        "body": {
            "prompt": "Summarise the careers of these alumni. " * 3,
            "messages": [{"role": "user", "content": f"Alumni page {random.randint(1, 40)}"}],
        },
        "apiKey": "sk-made-up-" + "".join(random.choices("0123456789abcdef", k=32)),
        "user": {"email": email, "phone": f"555-01{random.randint(0, 99):02d}"},
    }
