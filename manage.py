#!/usr/bin/env python
"""Commands of Django and of the project; `embedded` starts, stops and shows the embedded servers."""

import os
import sys


def main() -> int:
    """Runs one command, and says in one sentence what is missing instead of failing deep inside."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from governance.embedded import Unavailable
        from governance.embedded.__main__ import main as embedded
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"governance", "registry", "audit"}:
            raise
        print(f"The Python package {error.name} is missing: run script/bootstrap first.")
        return 1
    if sys.argv[1:2] == ["embedded"]:  # before the settings, which would start what is to be stopped
        return embedded(sys.argv[2:])
    try:
        execute_from_command_line(sys.argv)
    except (Unavailable, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
