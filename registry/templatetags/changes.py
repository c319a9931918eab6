"""Two texts beside each other, and what differs between them."""

import difflib
import re

from django.utils.html import format_html
from django.utils.safestring import SafeString

CHANGES = {
    "same": ("Unchanged", "neutral"),
    "added": ("Added", "plus"),
    "removed": ("Removed", "minus"),
    "changed": ("Changed", "edit"),
}


def mark_changes(before: str, after: str) -> tuple[SafeString, SafeString]:
    """Both texts with the words that differ marked as deleted and inserted."""
    old, new = re.findall(r"\s+|\S+", before), re.findall(r"\s+|\S+", after)
    left, right = [], []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[a:b]), "".join(new[c:d])
        same = kind == "equal"
        left.append(format_html("{}" if same or not gone else "<del>{}</del>", gone))
        right.append(format_html("{}" if same or not come else "<ins>{}</ins>", come))
    return SafeString("".join(left)), SafeString("".join(right))


def compare(label: str, before: str | None, after: str | None) -> dict[str, object]:
    """One row of a comparison: what kind of change it is, and both sides with their changes marked."""
    old, new = str(before or ""), str(after or "")
    change = "same" if old == new else "added" if not old else "removed" if not new else "changed"
    word, icon = CHANGES[change]
    left, right = mark_changes(old, new)
    return {"label": label, "before": left, "after": right, "change": change, "word": word, "icon": icon}
