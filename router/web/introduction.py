"""What does somebody read first who opens the documentation?"""

INTRODUCTION = """
**To try it here:** press *Authorize* and paste a key; `router key new NAME --role admin` prints one. Then open an
operation, write what you mean, press *Execute*: it is done at this very router.

**All nouns work alike.** `GET` lists (send `next` as `cursor` for what follows) and reads, `POST` makes, `PATCH`
changes what it names and leaves the rest, `DELETE` removes, `PUT …/by-ref/{ref}` makes or replaces by your own key.
Changing and removing want the `ETag` that was read as `If-Match`: `"1"` for version 1. Numbers are written
`+12125550100`, instants `2026-03-02T09:00:00Z`.

**Before a change is live:** `POST /explain` says who would answer a call, and why. `POST /changes/preview` says which
calls a change would lead elsewhere. `POST /test-calls` places a real call and tells who took it.

**A refusal says what to do:** `detail` in a sentence, `errors` with a pointer to each field, `type` for programs.
"""

# In the order of the page; each says what its operations are for.
TAGS = {
    "explain": "Who would answer, and why, without a call.",
    "test-calls": "A real call through the real dialplan, to see who takes it. It counts nowhere.",
    "rules": "What comes before everything else: who calls which line when, and who answers. The lowest number first.",
    "people": "Who works here, with their phones; who covers for them, and who takes over when they leave.",
    "desks": "Teams that answer together. One of them is the safety net.",
    "lines": "The numbers that are published, and the desk of each.",
    "accounts": "Customers, with their numbers, their account manager and who deputises.",
    "jobs": "Orders in progress, with a manager of their own.",
    "hours": "Opening times, holidays and special days.",
    "covers": "From … to …, somebody answers for somebody.",
    "overrides": "From … to …, a line or a desk is open, closed or diverted.",
    "changes": "Several changes as one, what they would change, and how they are taken back.",
    "imports": "The whole company as CSV files, in and out.",
    "calls": "Every call: who called, who was to answer and why, and what became of it.",
    "commitments": "What callers are owed who reached nobody: by whom, until when.",
    "call-backs": "Customers who are called back now, at a click.",
    "events": "What happens, as it happens.",
    "webhooks": "The same, sent to your programs.",
    "reports": "What the calls of a period add up to.",
    "audit": "Who changed what, when; each change can be taken back.",
    "keys": "Who may use this API.",
    "health": "Is it alive, is it ready, what has it counted?",
    "description": "This page, and the same for programs.",
}
