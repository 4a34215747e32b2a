"""The runbooks that a fresh Liftmon starts with: the tracking guide's own, and one for each CRITICAL failure of its list.

A plain table, made once by key; staff edit the rows in the admin afterwards, and a restart leaves them so. The steps are read on a
phone at three in the morning: what to look at first, what the answer means, and what to do about it.
"""

from typing import Any, NamedTuple

CHECK, MITIGATE, INVESTIGATE, NOTIFY = 5, 15, 60, 30


class GuideStep(NamedTuple):
    kind: str
    title: str
    target_minutes: int
    text: str


class GuideRunbook(NamedTuple):
    """``rules``: keys of alerts.rules.guide."""

    key: str
    name: str
    summary: str
    event_names: tuple[str, ...]
    rules: tuple[str, ...]
    steps: tuple[GuideStep, ...]
    is_fallback: bool = False


_TELL_USERS = """\
1. Post on the status page what users notice, in their words: which part, since when, and when you will say more.
2. Post again when something changes, and at least every 30 minutes.
3. When it is over, e-mail the users whom it hurt:

> We experienced brief downtime, now resolved.
"""

_DATABASE_CHECK = """\
1. Count the connections: **Connections** under Diagnostics, or on a machine that reaches production

   ```
   psql -U user -d lift -c "SELECT count(*) FROM pg_stat_activity;"
   ```

2. **More than 20 connections**: the pool is exhausted. Mitigate that.
3. **Response times over 10 s**: queries are slow. Look at **Longest queries** and **Locks** under Diagnostics.
4. Neither: is the database reachable at all? Look at its provider's status page, and at the disk.
"""

_DATABASE_MITIGATE = """\
**The pool is exhausted:**

- Kill what runs longest or blocks others, from Diagnostics, or by hand:

  ```
  SELECT pid, now() - query_start AS runs, state, left(query, 80) FROM pg_stat_activity
   WHERE state <> 'idle' ORDER BY query_start LIMIT 10;
  SELECT pg_terminate_backend(pid);
  ```

- Go back to the last version, which also starts the application anew (the guide's `vercel deployments --rollback` is written so by
  today's CLI):

  ```
  vercel rollback
  ```

**Queries are slow:**

- Check table sizes (**Table sizes** and **Missing indexes** under Diagnostics):

  ```
  SELECT schemaname, tablename, pg_size_pretty(pg_total_relation_size(schemaname||'.'||tablename))
    FROM pg_tables ORDER BY pg_total_relation_size(schemaname||'.'||tablename) DESC LIMIT 20;
  ```

- Add an index if one is missing. `CONCURRENTLY` blocks no writes, and cannot run within a transaction:

  ```
  CREATE INDEX CONCURRENTLY ...;
  ```
"""

_FALLBACK = GuideRunbook(
    "guide", "A critical alert", "The tracking guide's runbook, for what no other runbook is about.", (), (),
    (
        GuideStep("check", "Check severity", CHECK, """\
1. How many users are hurt, in which endpoints, since when? The alert's page says so; **User impact** has the rest.
2. Does it grow? An incident that grows is SEV1 until it stops growing. Set the severity.
3. Is it the database? Count its connections under Diagnostics, or

   ```
   psql -U user -d lift -c "SELECT count(*) FROM pg_stat_activity;"
   ```

   More than 20: the pool is exhausted. Response times over 10 s: queries are slow.
"""),
        GuideStep("mitigate", "Mitigate", MITIGATE, """\
Stop the harm first; the cause can wait.

- **A release came shortly before:** go back to the one before it with `vercel rollback`.
- **The pool is exhausted:** kill long-running queries, from Diagnostics or with `SELECT pg_terminate_backend(pid);`.
- **Queries are slow:** check table sizes, and add an index if one is missing (`CREATE INDEX CONCURRENTLY ...;`).
- **Somebody else's service fails:** switch to its fallback, or switch the feature off.
"""),
        GuideStep("investigate", "Investigate", INVESTIGATE, """\
1. Review the logs for the pattern of the error: **Issues**, sorted by events, and **Live feed**.
2. Check the stack traces: the newest event of each issue has one.
3. Identify the root cause. The timeline of the incident has what changed shortly before.
4. Implement the permanent fix, or add it as a follow-up with an owner and a date.
5. Document it in the incident report, which drafts itself when the incident is resolved.
"""),
        GuideStep("notify", "Notify", NOTIFY, _TELL_USERS),
    ),
    is_fallback=True,
)  # fmt: skip

_DATABASE = GuideRunbook(
    "db_pool_error", "Database pool error", "The application gets no connection to its database.", ("db_pool_error",), (),
    (
        GuideStep("check", "Check severity: connections or queries", CHECK, _DATABASE_CHECK),
        GuideStep("mitigate", "Mitigate: free connections", MITIGATE, _DATABASE_MITIGATE),
        GuideStep("investigate", "Investigate: who held the connections", INVESTIGATE, """\
1. Which queries held them? Ask **Longest queries** and **Locks** before they are gone: the answer stays in the timeline.
2. *idle in transaction* for long: code that opens a transaction and waits for something else, such as an API. Find it by the
   query it ran last.
3. Many connections that are *idle*: too many instances, or a pool in each of them that is too large. Instances × pool size must
   stay below the server's `max_connections`.
4. A query that was quick until today: has its table grown, or did its plan change? `EXPLAIN (ANALYZE, BUFFERS)` on a copy.
5. Implement the permanent fix: a shorter transaction, an index, a statement timeout, a pooler in front. Document it in the report.
"""),
        GuideStep("notify", "Notify", NOTIFY, _TELL_USERS),
    ),
)  # fmt: skip

_AUTHENTICATION = GuideRunbook(
    "auth_system_failure", "Authentication is down", "Nobody can sign in, or many cannot.", ("auth_system_failure",), (),
    (
        GuideStep("check", "Check severity: who cannot sign in", CHECK, """\
1. Sign in yourself, in a private window, once with each way there is (password, Google, magic link).
2. **Auth & abuse**: is it every provider or one? New sessions too, or only sign-ins? Since when?
3. Everybody is shut out: SEV1. One provider, and the others work: SEV2.
4. Count the connections of the database under Diagnostics: a sign-in that finds no connection looks like this, too.
"""),
        GuideStep("mitigate", "Mitigate", MITIGATE, """\
- **A release came shortly before:** go back with `vercel rollback`.
- **A provider is down** (its status page says so): hide its button, so that people take another way.
- **A secret or certificate ran out:** compare `NEXTAUTH_SECRET`, `NEXTAUTH_URL` and the client secrets of the providers with what
  is deployed. Do not change `NEXTAUTH_SECRET` unless it leaked: that signs everybody out.
- **The database:** follow *Database pool error*; you may switch this incident to it.

Sign in yourself again before you call it mitigated.
"""),
        GuideStep("investigate", "Investigate", INVESTIGATE, """\
1. Read the newest events of the issue: is it thrown by the callback, by the adapter (database) or by the session?
2. Redirects that fail only in production are mostly `NEXTAUTH_URL`, cookies without `Secure`, or a callback address that the
   provider does not know.
3. Were sessions lost? **session_stabilization_failure** tells whether people are signed in and thrown out again.
4. Implement the permanent fix, and a check that signs in every few minutes. Document it in the report.
"""),
        GuideStep("notify", "Notify", NOTIFY, """\
Who cannot sign in cannot read a notice inside of the product: post on the status page, and answer support with a link to it.

1. Say which way to sign in works.
2. When it is over, e-mail the users whom it hurt: “We experienced brief downtime, now resolved.”
"""),
    ),
)  # fmt: skip

_PAYMENT = GuideRunbook(
    "stripe_checkout_error", "Payments fail", "A payment cannot be started at Stripe.", ("stripe_checkout_error",), (),
    (
        GuideStep("check", "Check severity: can anybody pay", CHECK, """\
1. **User impact**: how many users could not pay? Which step of the checkout fails (tag `step`)?
2. Read Stripe's code in the newest event:
   - `authentication_required`, `api_key_expired`, 401: our key. Nobody can pay: SEV1.
   - `resource_missing`: a price or product that is not in this Stripe account.
   - `rate_limit`, 429: we ask too often. `api_connection_error`, 5xx: Stripe or the way to it.
   - `card_declined`: the card of one person. That is no incident.
3. Look at Stripe's own status page.
"""),
        GuideStep("mitigate", "Mitigate", MITIGATE, """\
- **A release came shortly before:** go back with `vercel rollback`.
- **The key:** make a new one in Stripe's dashboard, set `STRIPE_SECRET_KEY`, deploy, and pay for something with a test card.
- **Stripe is down:** say so beside the button and keep what people chose, so that they need not begin again.
- **Trials that would end now:** put their end off by a day, so that nobody loses access who wants to pay.

Never repeat payments by a script before you know that none of them went through.
"""),
        GuideStep("investigate", "Investigate", INVESTIGATE, """\
1. Compare with Stripe: Developers → Logs shows each request with its answer. The request id is in the event.
2. Did anybody pay and get nothing? Compare Stripe's payments of these hours with the subscriptions in the database, and look for
   webhooks that failed (Developers → Webhooks); Stripe sends them again for three days.
3. Did anybody pay twice? Give it back before they ask. Is an idempotency key sent?
4. Implement the permanent fix. Document it in the report, with the number of users and the sum.
"""),
        GuideStep("notify", "Notify", NOTIFY, """\
1. Post on the status page: payments fail, nobody is charged twice, access goes on meanwhile.
2. Tell whoever answers for sales.
3. When it is over, e-mail the users who tried, with a link back to where they were.
"""),
    ),
)  # fmt: skip

_CASCADE = GuideRunbook(
    "cascade", "Cascade: several endpoints fail together", "Three or more endpoints fail within five minutes.",
    ("cascade_failure_detected",), ("cascade",),
    (
        GuideStep("check", "Check severity: which fell first", CHECK, """\
1. The page of the cascade's alert lists the endpoints in the order in which they fell, and what they share. Read *Suspects* first.
2. Do **all** endpoints of a service fail? Then look below them: database, network, the deployment itself.
3. Do they share a dependency (an AI provider, Stripe, the database)? Look at its status page.
4. Count the connections under Diagnostics: more than 20 is an exhausted pool.
5. Set the severity: users cannot use the product is SEV1.
"""),
        GuideStep("mitigate", "Mitigate: mend what they share", MITIGATE, """\
Mend what fell first; the others mostly follow by themselves.

- **A release is among the suspects:** go back with `vercel rollback`.
- **The database:** kill what blocks, from Diagnostics or with `SELECT pg_terminate_backend(pid);`.
- **A provider:** switch to the fallback, or switch the feature off, so that its requests hold no connections.
- **Too many requests:** is it one address or one client that tries again without a pause? Limit it.

Watch the failure rate for five minutes before you call it mitigated: retries come back in waves.
"""),
        GuideStep("investigate", "Investigate: why it spread", INVESTIGATE, """\
1. What began it? The first endpoint, its first event, and what changed in the ten minutes before (releases are in the timeline).
2. Why did it spread? Look for timeouts that are longer than the caller's, for retries without a limit, and for one pool that
   serves everything.
3. Which alert told first, and was there an earlier sign that told nobody?
4. Implement the permanent fix for the first failure **and** for the way it spread. Document both in the report.
"""),
        GuideStep("notify", "Notify", NOTIFY, _TELL_USERS),
    ),
)  # fmt: skip

_SECURITY = GuideRunbook(
    "security_incident_lockout", "Possible unauthorised access", "Failed sign-ins locked accounts.",
    ("security_incident_lockout",), ("lockout",),
    (
        GuideStep("check", "Check severity: attack or forgetful user", CHECK, """\
1. **Auth & abuse**: how many accounts, and from how many addresses?
   - one account, one address: mostly somebody who forgot a password. SEV4.
   - **one address, many accounts**: somebody tries passwords that leaked elsewhere. SEV2.
   - many addresses, one account: somebody wants this one. Whose is it? Staff is SEV1.
2. **Did any of them get in?** Look for sign-ins that succeeded from the same addresses, after the failures. One is enough: SEV1.
3. Do not delete anything. Note in the timeline what you see: it is evidence.
"""),
        GuideStep("mitigate", "Mitigate", MITIGATE, """\
- Block the addresses at the edge (firewall rules of the hosting), for a day and not for good.
- Lower the limit of sign-ins for each address and account.
- **Somebody got in:** end all sessions of that account, lock it, and change what it could read: API keys, tokens, secrets.
- A staff account: take its rights away first, ask afterwards. Change the keys that it could see.
"""),
        GuideStep("investigate", "Investigate", INVESTIGATE, """\
1. What could the account see and change, and what did it do? **Events** of its user hash; the audit log of the admin.
2. Where did the passwords come from: a leak elsewhere, guessing, phishing? Are the accounts in one list?
3. Are there other accounts, days before, with the same addresses, slower?
4. **Personal data seen by a stranger:** tell whoever answers for data protection at once. The law's time (72 hours in the EU)
   runs from the moment that you know of it.
5. Implement the permanent fix: a second factor, checks against leaked passwords. Document it in the report.
"""),
        GuideStep("notify", "Notify", NOTIFY, """\
1. Tell the owners of the accounts that were locked, and how to get back in. Not on the status page: it tells
   the attacker what works.
2. Somebody got in: agree with whoever answers for data protection what is said to whom before you write.
3. Tell support what to answer.
"""),
    ),
)  # fmt: skip

GUIDE_RUNBOOKS: tuple[GuideRunbook, ...] = (_FALLBACK, _DATABASE, _AUTHENTICATION, _PAYMENT, _CASCADE, _SECURITY)


def load_runbooks(runbook_model: Any, step_model: Any, rule_model: Any) -> int:
    """Add the runbooks that are missing; how many. Those that staff edited stay. Takes the model classes, for migrations."""
    rows = list(runbook_model.objects.values_list("key", "name", "is_fallback"))
    keys, names = {key for key, _, _ in rows}, {name for _, name, _ in rows}
    has_fallback = any(is_fallback for _, _, is_fallback in rows)
    missing = [one for one in GUIDE_RUNBOOKS if one.key not in keys and one.name not in names]
    for one in missing:
        runbook = runbook_model.objects.create(
            key=one.key, name=one.name, summary=one.summary, event_names=list(one.event_names),
            is_fallback=one.is_fallback and not has_fallback,
        )  # fmt: skip
        runbook.rules.set(rule_model.objects.filter(key__in=one.rules))
        step_model.objects.bulk_create(
            step_model(runbook=runbook, position=position, **step._asdict()) for position, step in enumerate(one.steps)
        )
    return len(missing)
