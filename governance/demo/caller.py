"""A program that queries a model through the gate."""

from __future__ import annotations

import time
from typing import Any

import httpx

from governance.demo.browser import Unexpected

HEARD = 2.0  # seconds that are waited at most until the gate has heard what was changed; it has to within one


class Caller:
    """Sends the same example with one token or another; a token is known by the model it was issued for."""

    def __init__(self, gate: str) -> None:
        self.client = httpx.Client(base_url=gate, timeout=60)
        self.example: Any = None
        self.tokens: dict[str, str] = {}

    def ask(self, path: str, model: str = "credit-scorer") -> httpx.Response:
        """The answer to a query with the token of `model`, or without one if that is empty."""
        self._heard()
        return self.client.post(path, json=self.example, headers=self._bearer(model))

    def check(self, path: str, model: str = "credit-scorer") -> httpx.Response:
        """The answer that a proxy gets which asks before it forwards a query by itself."""
        self._heard()
        asked = {"X-Original-URI": path, "X-Original-Method": "POST"}
        return self.client.get("/check", headers={**asked, **self._bearer(model)})

    @staticmethod
    def reasons(answer: httpx.Response) -> list[str]:
        """Why a version is not cleared, by the codes of its conditions."""
        return list(answer.json().get("reasons", [])) if answer.status_code == httpx.codes.FORBIDDEN else []

    def refused(self, answer: httpx.Response, status: int, code: str, *reasons: str) -> str:
        """The words for a refusal, which must be this one."""
        said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        given = self.reasons(answer)
        is_so = answer.status_code == status and said.get("code") == code and set(reasons) <= set(given)
        if not is_so:
            raise Unexpected(f"The gate answered {answer.status_code}: {answer.text[:300]}")
        return f"{int(status)} {code}" + (f" ({', '.join(given)})" if given else "")

    def _heard(self) -> None:
        """Until the gate knows all that was changed so far, by its own word: this walk clicks faster than anybody."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < HEARD:
            age = float(self.client.get("/readyz").headers.get("x-cardinal-news-age", "inf"))
            if age < waited or age == float("inf"):  # where nothing is kept the database is asked
                return
            time.sleep(0.02)

    def _bearer(self, model: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[model]}"} if model else {}
