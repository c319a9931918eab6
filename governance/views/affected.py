"""What is affected by a package, a commit or a base model: cleared versions first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from governance.models.impact import weighed
from registry.lineage import affected as lineage
from registry.lineage.affected import Found
from registry.models import User
from registry.request import PortalRequest

LONGEST = 400


def affected(request: PortalRequest) -> HttpResponse:
    """Which versions contain a package, ran a commit, or stand on a base model; and which of them are cleared."""
    asked = {
        name: request.GET.get(name, "").strip()[:LONGEST] for name in ("package", "version", "commit", "base")
    }
    found, question = _answer(asked, request.user)
    context = {
        "asked": asked,
        "question": question,
        "found": weighed(found, request.user) if found else [],
        "more": found.more if found else 0,
    }
    return render(request, "governance/affected.html", context)


def _answer(asked: dict[str, str], user: User) -> tuple[Found | None, str]:
    """What was found, and the question in words; the first field that is filled in decides."""
    if asked["package"]:
        number = asked["version"]
        verb = (
            f"contain, or may contain, the package {asked['package']} {number}"
            if number
            else f"contain the package {asked['package']}"
        )
        return lineage.containing(asked["package"], number, user), verb
    if asked["commit"]:
        return lineage.from_commit(asked["commit"], user), f"ran the commit {asked['commit']}"
    if asked["base"]:
        return lineage.standing_on(asked["base"], user), f"stand on the base model {asked['base']}"
    return None, ""
