"""What the editor's page shows around the form: sections with their completeness, findings, marks and clashes."""

from __future__ import annotations

from typing import Any

from registry.documents import content as contents
from registry.documents.lint import Finding
from registry.documents.merge import Clash, Merge
from registry.documents.outline import ASIDE, Section, outline
from registry.forms.documents import DocumentForm
from registry.views.comparing import as_text, name_of

STATES = {"blocking": "critical", "warning": "attention", "hint": "neutral"}
WORDS = {"blocking": "Blocks review", "warning": "Warning", "hint": "Hint"}


def page_of(
    kind: str, form: DocumentForm, content: dict[str, Any], findings: list[Finding], merge: Merge | None
) -> dict[str, Any]:
    """The part of the page that is made from the document alone."""
    plan = outline(kind)
    clashes = {clash.field.path: clash for clash in merge.clashes} if merge else {}
    filled, total = contents.completeness(kind, content)
    return {
        "title": plan.title,
        "form": form,
        "filled": filled,
        "total": total,
        "sections": [_section(section, form, content, findings, clashes) for section in plan.sections],
        "waiting": len(content.get("unaccepted", {})),
        "blocking": sum(one.severity == "blocking" for one in findings),
        "merge": merge,
        "clashes": [_row(kind, clash) for clash in clashes.values()],
    }


def shown(finding: Finding) -> dict[str, str | bool]:
    """A finding in the colour and the word of its severity; one about a proposal is said where its source stands."""
    return {
        "state": STATES[finding.severity],
        "word": WORDS[finding.severity],
        "sentence": finding.sentence,
        "label": finding.label,
        "path": finding.path,
        "about_source": finding.code == "unaccepted",
    }


def _section(
    section: Section,
    form: DocumentForm,
    content: dict[str, Any],
    findings: list[Finding],
    clashes: dict[str, Clash],
) -> dict[str, Any]:
    waiting = content.get("unaccepted", {})
    asked = [field for field in section.fields if field.asked(content)]
    here = [one for one in findings if one.path.partition(".")[0] == section.key]
    return {
        "key": section.key,
        "title": section.title,
        "filled": sum(bool(contents.value(content, field.path)) for field in asked),
        "total": len(asked),
        "counted": section.key not in ASIDE,
        "found": len(here),
        "blocking": any(one.severity == "blocking" for one in here),
        "waiting": any(field.path in waiting for field in section.fields),
        "fields": [
            {
                "bound": form[field.path],
                "field": field,
                "asked": field.asked(content),
                "findings": [shown(one) for one in here if one.path == field.path],
                "source": waiting.get(field.path, ""),
                "clash": clashes.get(field.path),
            }
            for field in section.fields
        ],
    }


def _row(kind: str, clash: Clash) -> tuple[str, str, str]:
    return (name_of(kind, clash.field), as_text(clash.field, clash.theirs), as_text(clash.field, clash.yours))
