"""The door without an account counts callers one by one, also behind proxies, and believes nobody else about who calls."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from registry.api.limits import PerNetwork

pytestmark = pytest.mark.django_db
PROXY = "198.51.100.1"


@pytest.fixture(autouse=True)
def _limit(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two a minute; one minute of the clock never ends within a test."""
    monkeypatch.setattr(PerNetwork, "MOST", 2)
    monkeypatch.setattr("registry.api.limits.time.time", lambda: 1_800_000_000.0)
    settings.TRUSTED_PROXIES = [ip_network("198.51.100.0/24")]
    cache.clear()


def tell(peer: str, via: str = "") -> int:
    headers = {"X-Forwarded-For": via} if via else {}
    answer = Client().post(
        "/api/v1/tokens/leaked/", [{"token": "crd_x"}], content_type="application/json", headers=headers, REMOTE_ADDR=peer
    )  # fmt: skip
    return int(answer.status_code)


def test_callers_behind_one_proxy_do_not_share_a_limit() -> None:
    first = [tell(PROXY, "192.0.2.1") for _ in range(3)]
    second = [tell(PROXY, "192.0.2.2") for _ in range(3)]
    further = [tell(PROXY, "192.0.2.3, 198.51.100.9") for _ in range(3)]

    assert first == second == further == [202, 202, 429]


def test_what_a_caller_writes_about_itself_counts_for_nothing() -> None:
    behind = [tell(PROXY, f"203.0.113.{n}, 192.0.2.1") for n in range(3)]
    direct = [tell("192.0.2.9", f"203.0.113.{n}") for n in range(3)]

    assert behind == direct == [202, 202, 429]


def test_a_chain_that_cannot_be_read_counts_for_the_proxy() -> None:
    assert [tell(PROXY, text) for text in ("nobody", "", "x, y")] == [202, 202, 429]


def test_one_customer_of_ipv6_is_one_caller() -> None:
    assert [tell(f"2001:db8:1:2::{n}") for n in range(1, 4)] == [202, 202, 429]
    assert tell("2001:db8:1:3::1") == 202
