"""What others would build for the same question: Django REST framework, django-rest-knox and django-guardian.

It lives in an environment of its own, which the measurement makes, and in a database of its own on the same server.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = (
    "django",
    "djangorestframework",
    "django-rest-knox",
    "django-guardian",
    "psycopg[binary]",
    "granian",
)
TOKENS, THINGS = 1_000, 50


def environment(folder: Path) -> Path:
    """The Python of an environment with these packages, made once."""
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "made").touch()
    return python
