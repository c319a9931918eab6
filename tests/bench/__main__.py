"""`script/bench [gate|pages|reach|report|mlflow]`: runs the measurements and prints one line each.

`script/bench fresh`, `script/bench memory` and `script/bench soak [minutes]` take their time, and run only when they are named.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(chosen: list[str]) -> int:
    """Measure what is chosen, or all; the data live in a folder of their own."""
    os.environ.setdefault("CARDINAL_VAR", str(ROOT / "var" / "bench"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    os.environ.setdefault("FACTORIES_FROM", str(int(time.time())))
    import django

    django.setup()
    from django.core.management import call_command

    from governance import embedded
    from tests.bench import fresh, gate, memory, mlflow, pages, reach, report, soak

    known = {
        "gate": gate.measure,
        "pages": pages.measure,
        "reach": reach.measure,
        "report": report.measure,
        "mlflow": mlflow.measure,
    }
    usual = tuple(known)
    known |= {"fresh": fresh.measure, "soak": soak.measure, "memory": memory.measure}
    if len(chosen) == 2 and chosen[0] == "soak" and chosen[1].replace(".", "", 1).isdigit():
        known["soak"] = partial(soak.measure, float(chosen.pop()))
    if unknown := set(chosen) - set(known):
        sys.stderr.write(
            f"There is no measurement {', '.join(sorted(unknown))}; choose from {', '.join(known)}.\n"
        )
        return 2
    call_command("migrate", verbosity=0)
    try:
        for name in chosen or usual:
            for line in known[name]():
                print(f"{name:<8}{line}", flush=True)
    finally:
        if "DATABASE_URL" not in os.environ:
            embedded.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
