"""What the pages are looked at with: one of everything, and files that end with the test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages.stand import Stand, furnished


@pytest.fixture
def stand(db: None, settings: Any, tmp_path: Any) -> Stand:
    """One of everything that has a page."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path)}}
    }
    return furnished()


@pytest.fixture(scope="module")
def kept_stand(lasting: None, kept_files: None) -> Stand:
    """One of everything, made once for all tests of a module that only look."""
    return furnished()
