"""How much one worker of the gate holds when a million tokens are known and fifty thousand of them are in use."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
from django.conf import settings
from django.utils import timezone

from governance import tokens
from governance.gate.configuration import database
from registry.models import Model
from tests import factories
from tests.bench import load
from tests.bench.gate import GATE, check
from tests.bench.serving import served

KNOWN, USED = 1_000_000, 50_000
PORTION = 10_000
TAG = "measured"
COPY = (
    "COPY governance_token (id, name, prefix, digest, pepper, environment, owner_id, tag_key, tag_value, actions, portal, "
    "versions, alias, purpose, networks, limits, issued_by_id, issued_at, expires_at, needs_second, ended_as) FROM STDIN"
)


def measure(known: int = KNOWN, used: int = USED) -> Iterator[str]:
    """Megabytes of the worker before and after each of `used` tokens was used, twice."""
    version = factories.approved_version()
    factories.policy(version.model, "group:owner")
    tag = uuid.uuid4().hex
    Model.objects.filter(pk=version.model_id).update(tags={TAG: tag})
    secrets = list(_issued(tag, known, used))
    requests = [check(version, secret) for secret in secrets]
    with served(GATE, ready="/readyz") as server:
        load.run(server.port, requests[:1], connections=1, seconds=1)
        before = server.memory()
        statuses: dict[str, int] = {}
        for start in range(0, used, PORTION):  # each is used about twice, also where this machine is busy
            portion = requests[start : start + PORTION]
            seen = load.run(server.port, portion, seconds=len(portion) / 250, rate=500)
            for status, count in seen.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
        yield (
            f"{known} tokens known, {_grants(server.port)} grants of {used} tokens in use: {server.memory():.0f} MB "
            f"(at most 250; before {before:.0f}), answers {statuses}"
        )


def _grants(port: int) -> int:
    """How many grants the gate holds."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return int(
        next(line for line in text.splitlines() if line.startswith("cardinal_gate_grants ")).split()[1]
    )


def _issued(tag: str, known: int, used: int) -> Iterator[str]:
    """Tokens past the verb, for a table of that size; the secrets of those that will be used."""
    owner, now = factories.member("owner"), timezone.now()
    letter, pepper = "p", settings.TOKEN_PEPPERS[0]
    with (
        psycopg.connect(**database(settings.DATABASES["default"])) as ours,
        ours.cursor() as cursor,
        cursor.copy(COPY) as copy,
    ):
        for number in range(known):
            secret = tokens.new(letter, pepper)
            copy.write_row(
                (
                    uuid.uuid4(), f"t{number}", secret.prefix, secret.digest, tokens.pepper_id(pepper), "production",
                    owner.pk, TAG, tag, ["predict"], [], [], "", "", [], "{}", owner.pk, now, now + timedelta(days=20),
                    False, "",
                )
            )  # fmt: skip
            if number < used:
                yield secret.text
