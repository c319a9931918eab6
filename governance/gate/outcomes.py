"""What an allowed query may come to on its way to the model server. No decisions: the journal says `allowed`."""

from __future__ import annotations

from governance.gate.reasons import Reason

UPSTREAM_UNREACHABLE = Reason(
    "upstream_unreachable",
    502,
    "Model server unreachable",
    "The query was allowed, but the model server did not answer.",
)
UPSTREAM_TIMED_OUT = Reason(
    "upstream_timed_out",
    504,
    "Model server too slow",
    "The query was allowed, but the model server took too long.",
)
UPSTREAM_OPEN = Reason(
    "upstream_open",
    503,
    "Model server left alone",
    "The query was allowed, but the model server failed again and again; try again later.",
)
UPSTREAM_BUSY = Reason(
    "upstream_busy",
    503,
    "Model server busy",
    "The query was allowed, but as many queries as may be are under way there; try again in a moment.",
)
CREDENTIAL_UNUSABLE = Reason(
    "credential_unusable",
    503,
    "No credential for it",
    "The query was allowed, but this gate has no credential that it may send to the model server; its operator can set it.",
)
CREDENTIAL_REFUSED = Reason(
    "credential_refused",
    502,
    "Credential refused",
    "The query was allowed, but the model server refused the credential of the gate; the gate's operator can set another.",
)

OUTCOMES: tuple[Reason, ...] = (
    UPSTREAM_UNREACHABLE,
    UPSTREAM_TIMED_OUT,
    UPSTREAM_OPEN,
    UPSTREAM_BUSY,
    CREDENTIAL_UNUSABLE,
    CREDENTIAL_REFUSED,
)
