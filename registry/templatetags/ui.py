"""The design system's template tags: each renders one component from templates/components/."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BaseForm, BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from registry.prose import render_prose
from registry.search.snippets import Snippet
from registry.templatetags.changes import compare
from registry.templatetags.times import timed, when

register = template.Library()
register.simple_tag(when)
register.filter(timed)

JOINT = re.compile(r"([_/.]+|-)(?=\w)")
STATES = frozenset({"ok", "attention", "critical", "neutral", "info"})
MESSAGE_STATES = {"success": "ok", "warning": "attention", "error": "critical", "debug": "neutral"}


def known_state(state: str) -> str:
    """A component may only carry one of the five states: an unknown one is a mistake in the page."""
    if state not in STATES:
        raise template.TemplateSyntaxError(
            f"Unknown state {state!r}: use one of {', '.join(sorted(STATES))}."
        )
    return state


@register.simple_tag
@lru_cache(maxsize=512)  # the same few on every row of every list
def icon(name: str, label: str = "") -> SafeString:
    """An icon from the sprite, in the colour of the text; hidden from screen readers unless it has a label."""
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" width="16" height="16" role="img" aria-label="{}"><use href="{}"/></svg>',
            label,
            href,
        )
    return format_html(
        '<svg class="icon" width="16" height="16" aria-hidden="true"><use href="{}"/></svg>', href
    )


@register.simple_tag
def pill(state: str, word: object) -> SafeString:
    """A status: icon, word and colour together, so that no reader depends on one of them."""
    return _pill(known_state(state), str(word))


@lru_cache(maxsize=512)  # a list of fifty rows shows the same few pills a hundred times
def _pill(state: str, word: str) -> SafeString:
    return render_to_string("components/pill.html", {"state": state, "word": word})


@register.simple_tag
def snippet(found: Snippet | None) -> SafeString:
    """Where a search stands, hits marked; every part is escaped."""
    if found is None:
        return SafeString("")
    parts = (f"<mark>{escape(text)}</mark>" if hit else escape(text) for text, hit in found.parts)
    place = escape(found.where)
    return SafeString(f'<p class="snippet"><span class="muted">{place}:</span> {"".join(parts)}</p>')


@register.inclusion_tag("components/digest.html")
def digest(value: str | None, length: int = 12) -> dict[str, object]:
    """A digest cut to its first characters, copied and printed in full."""
    full = str(value or "")
    bare = full.removeprefix("sha256:")
    return {"full": full, "short": bare if len(bare) <= length else f"{bare[:length]}…"}


@register.filter
def human_size(size: float | None) -> str:
    """Bytes in decimal units, as disks and networks are sold: 1 kB is 1000 B."""
    if size is None:
        return "unknown size"
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.5 else f"{amount:.1f} {unit}"


@register.filter
def breakable(name: object) -> SafeString:
    """A name of a machine, which may break after its joints and nowhere else."""
    return SafeString(JOINT.sub(r"\1<wbr>", escape(name)))


@register.filter
def prose(text: str | None) -> SafeString:
    """Markdown as clean HTML, in the measure of prose."""
    return format_html('<div class="prose">{}</div>', render_prose(text or ""))


@register.filter
def message_state(level: str) -> str:
    """The state that shows a message of Django's levels."""
    return MESSAGE_STATES.get(level, "info")


# Forms


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "") -> dict[str, object]:
    """A form field with its label, help and errors, tied together for screen readers."""
    single = getattr(bound.field.widget, "input_type", "") == "checkbox" and not bound.use_fieldset
    return {"field": bound, "label": label or bound.label, "checkbox": single}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, object]:
    """The summary of everything to mend, each line a link to its field."""
    wrong = [bound for bound in form if bound.errors]
    return {"form": form, "wrong": wrong, "count": len(wrong) + len(form.non_field_errors())}


@register.inclusion_tag("components/meter.html")
def meter(value: float, maximum: float, label: str, state: str = "info", unit: str = "") -> dict[str, object]:
    """How much of a known whole; the numbers stand beside the bar."""
    return {"value": value, "max": maximum, "label": label, "state": known_state(state), "unit": unit}


@register.inclusion_tag("components/progress.html")
def progress(value: float | None, maximum: float, label: str, state: str = "info") -> dict[str, object]:
    """How far a task has come, as a real percentage; without a value the task has not said yet."""
    percent = None if value is None or not maximum else max(0, min(100, int(100 * value / maximum)))
    return {"percent": percent, "label": label, "state": known_state(state)}


# Lists of facts


@register.inclusion_tag("components/empty.html")
def empty(
    title: str, text: str = "", url: str = "", action: str = "", icon: str = "search"
) -> dict[str, str]:
    """Nothing is here yet: why, and the next step."""
    return {"title": title, "text": text, "url": url, "action": action, "icon": icon}


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*parts: object) -> dict[str, object]:
    """The way here: label, address, label, address ... and at last the label of this page."""
    pairs = [(parts[i], parts[i + 1] if i + 1 < len(parts) else "") for i in range(0, len(parts), 2)]
    return {"trail": pairs}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Mapping[str, Any]], label: str = "Sections") -> dict[str, object]:
    """Tabs are links to pages of their own: items with label, url, current, and perhaps count and icon."""
    return {"items": items, "label": label}


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Iterable[Mapping[str, Any]], label: str = "Progress") -> dict[str, object]:
    """The stations of a process: steps with label, state (done, current or ahead), and perhaps note and url."""
    return {"steps": steps, "label": label}


@register.inclusion_tag("components/checklist.html")
def checklist(conditions: Iterable[Any]) -> dict[str, object]:
    """Conditions with label, met, why, and if unmet the one thing to do (action, url); state overrides the mark."""
    return {"conditions": conditions}


@register.inclusion_tag("components/timeline.html")
def timeline(entries: Iterable[Any]) -> dict[str, object]:
    """What happened, newest first: entries with text, at, and perhaps by, state, icon, url and detail."""
    return {"entries": entries}


@register.inclusion_tag("components/pagination.html")
def pagination(newer: str = "", older: str = "", note: str = "") -> dict[str, str]:
    """Keyset pages: the addresses of the newer and the older rows, and what is shown between."""
    return {"newer": newer, "older": older, "note": note}


@register.inclusion_tag("components/sortable.html", takes_context=True)
def sortable(
    context: Mapping[str, Any], key: str, label: str, css: str = "", default: str = ""
) -> dict[str, object]:
    """A column head that sorts by ?sort=key or ?sort=-key and keeps every other filter; it forgets the page."""
    query = context["request"].GET.copy()
    order = query.get("sort", default)
    direction = {key: "ascending", f"-{key}": "descending"}.get(order, "")
    query["sort"] = f"-{key}" if direction == "ascending" else key
    for cursor in ("before", "after", "page"):
        query.pop(cursor, None)
    return {"label": label, "css": css, "direction": direction, "url": f"?{query.urlencode()}"}


# Two revisions side by side


@register.inclusion_tag("components/diff.html")
def diff(rows: Iterable[Sequence[Any]], before: str = "Before", after: str = "After") -> dict[str, object]:
    """Two revisions beside each other: rows of (label, text before, text after), changed words marked."""
    return {"rows": [compare(*row) for row in rows], "before": before, "after": after}


# Blocks around content


@register.simple_block_tag
def callout(content: str, state: str, title: str = "") -> SafeString:
    """A note the reader should not miss, in the weight of its state."""
    return render_to_string(
        "components/callout.html", {"content": content, "state": known_state(state), "title": title}
    )


@register.simple_block_tag
def panel(content: str, title: str = "", state: str = "", word: str = "", flush: bool = False) -> SafeString:
    """A bordered part of a page with its heading and status; flush lets a table or a list reach the edges."""
    context = {
        "content": content,
        "title": title,
        "state": state and known_state(state),
        "word": word,
        "flush": flush,
    }
    return render_to_string("components/panel.html", context)


@register.simple_block_tag
def table_region(content: str, label: str, css: str = "") -> SafeString:
    """A wide table scrolls inside this region, also by keyboard; the page itself never scrolls sideways."""
    return render_to_string("components/table_region.html", {"content": content, "label": label, "css": css})


@register.simple_block_tag
def dialog(content: str, name: str, title: str, css: str = "") -> SafeString:
    """A modal question; open it with data-dialog-open=name."""
    return render_to_string(
        "components/dialog.html", {"content": content, "id": name, "title": title, "css": css}
    )


@register.simple_block_tag
def code(content: str, name: str, label: str = "Code", css: str = "") -> SafeString:
    """Lines to copy; the name is the id the copy button reads, so it must be unique on the page."""
    rendered = mark_safe(content.strip("\n"))  # noqa: S308 - a rendered block: its variables are escaped already
    context = {"content": rendered, "id": name, "label": label, "css": css}
    return render_to_string("components/code.html", context)


@register.simple_block_tag
def filter_bar(
    content: str, label: str, count: int | None = None, noun: str = "", target: str = "", submit: str = ""
) -> SafeString:
    """Filters of a list as a GET form: works without JavaScript, submits itself on change with it.

    `submit` names the button where the form asks a question instead of narrowing a list.
    """
    context = {
        "content": content,
        "label": label,
        "count": count,
        "noun": noun,
        "target": target,
        "submit": submit,
    }
    return render_to_string("components/filter_bar.html", context)
