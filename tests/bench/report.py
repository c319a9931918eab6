"""A report, click to file, against WeasyPrint alone with the same HTML."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from audit.reports import render
from tests.audit.sample_snapshot import snapshot

ROUNDS = 3


def measure() -> Iterator[str]:
    """Pages per second of a whole report, and of the bare renderer."""
    from audit.reports import press

    evidence = snapshot()
    text = render.html(evidence)
    stylesheet = render._stylesheet()
    render.document(evidence)  # loads everything once
    ours, bare, pages = [], [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        pages = render.document(evidence).pages
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        press.lay_out(text, stylesheet).write_pdf(**press.OPTIONS)
        bare.append(time.perf_counter() - began)
    ratio = statistics.median(bare) / statistics.median(ours)
    yield (
        f"{pages} pages in {statistics.median(ours):.1f} s, {pages / statistics.median(ours):.1f} pages/s; "
        f"bare renderer {pages / statistics.median(bare):.1f} pages/s; ratio {ratio:.2f}"
    )
