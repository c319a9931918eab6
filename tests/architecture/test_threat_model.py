"""The threat model names tests as proof: each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
NAMED = re.findall(r"`((?:tests/)?[\w/]+\.py)::(\w+)`", PAGE)


def test_every_proof_is_a_test() -> None:
    missing = [f"{file}::{name}" for file, name in NAMED if not stands(file, name)]

    assert len(NAMED) >= 40
    assert not missing


def stands(file: str, name: str) -> bool:
    path = ROOT / (file if file.startswith("tests/") else f"tests/governance/gate/{file}")
    return path.exists() and re.search(rf"^\s*def {name}\(", path.read_text(), re.MULTILINE) is not None


def test_every_row_of_the_gate_has_a_proof() -> None:
    table = PAGE.partition("### Threats")[2].partition("### What is left over")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]

    assert len(rows) >= 25
    assert not [row for row in rows if "::test_" not in row]
