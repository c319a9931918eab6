"""A secret goes where its operator meant it to go, in no clear text anywhere else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.core.exceptions import ImproperlyConfigured

from governance.gate.configuration import Configuration
from governance.gate.credentials import Credential, Unusable, from_environment, header

SECRET = "sk-very-secret"


def given(**variables: str) -> Mapping[str, str]:
    return {"GATE_CREDENTIAL_LLM": SECRET, "GATE_CREDENTIAL_LLM_HOSTS": "https://api.example"} | variables


def read(variables: Mapping[str, str], *names: str) -> dict[str, Credential]:
    def text(name: str, default: str) -> str:
        return variables.get(name, default)

    return from_environment(names or ["llm"], text)


def test_it_is_a_bearer_token_unless_a_header_is_named() -> None:
    assert header(read(given()), "llm", "https://api.example/v1/x") == [
        (b"authorization", f"Bearer {SECRET}".encode())
    ]
    assert header(read(given(GATE_CREDENTIAL_LLM_HEADER="X-API-Key")), "llm", "https://api.example:443/") == [
        (b"x-api-key", SECRET.encode())
    ]
    assert header({}, "", "https://anywhere.example") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/",
        "https://api.example:8443/",
        "https://api.example.evil.example/",
        "https://evil.example/api.example",
        "https://sub.api.example/",
    ],
)
def test_it_goes_to_no_other_origin(url: str) -> None:
    with pytest.raises(Unusable):
        header(read(given()), "llm", url)


def test_a_name_that_nobody_gave_is_unusable() -> None:
    with pytest.raises(Unusable):
        header(read(given()), "other", "https://api.example/")


@pytest.mark.parametrize(
    "variables",
    [
        {"GATE_CREDENTIAL_LLM": ""},
        {"GATE_CREDENTIAL_LLM": "two words"},
        {"GATE_CREDENTIAL_LLM": "line\nfeed"},
        {"GATE_CREDENTIAL_LLM_HOSTS": ""},
        {"GATE_CREDENTIAL_LLM_HOSTS": "api.example"},
        {"GATE_CREDENTIAL_LLM_HOSTS": "https://"},
        {"GATE_CREDENTIAL_LLM_HOSTS": "https://api.example/v1"},
        {"GATE_CREDENTIAL_LLM_HOSTS": "https://a@api.example"},
        {"GATE_CREDENTIAL_LLM_HOSTS": "https://api.example:x"},
        {"GATE_CREDENTIAL_LLM_HOSTS": "ftp://api.example"},
        {"GATE_CREDENTIAL_LLM_HEADER": "Host"},
        {"GATE_CREDENTIAL_LLM_HEADER": "Content-Length"},
        {"GATE_CREDENTIAL_LLM_HEADER": "X Y"},
    ],
)
def test_what_cannot_be_right_stops_the_start_without_telling_the_secret(variables: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        read(given(**variables))

    assert SECRET not in str(told.value)


def test_a_name_is_a_plain_word() -> None:
    for name in ("LLM", "l-l", "l_hosts", "", "1x"):
        with pytest.raises(ImproperlyConfigured):
            read(given(), name)


def test_the_secret_is_in_nothing_that_is_printed() -> None:
    found = read(given())
    configuration = Configuration(database={}, peppers=(), redis="", credentials=found)

    assert SECRET not in repr(found) + repr(configuration)
