"""Questions about access: who can query a model, what somebody or a token reaches, why something was denied."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from governance.access import reach
from governance.access.asking import PERMISSION, account_of, question, token_reach
from governance.access.why import Explained, explain
from governance.forms import WhyForm
from governance.models import Token
from governance.policies import ACTION_WORDS, ACTIONS
from registry.models import Environment, Model, User
from registry.permissions import require
from registry.request import PortalRequest

ON_A_PAGE = 100


def model(request: PortalRequest, slug: str) -> HttpResponse:
    """Who can query this model?"""
    one = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    require(request.user, PERMISSION, on=one)
    environment = _one_of(request, "environment", Environment.values)
    action = _one_of(request, "action", ACTIONS)
    able = reach.survey(one)
    query = request.GET.get("q", "").strip()
    named = [row for row in able[environment].who(action) if query.lower() in row.name.lower()]
    context = {
        "model": one,
        "environment": Environment(environment),
        "action": action,
        "numbers": [
            (Environment(name), [(each, ACTION_WORDS[each], there.numbers[each]) for each in ACTIONS])
            for name, there in able.items()
        ],
        "doing": ACTION_WORDS[action],
        "query": query,
        **_cut(request, named),
    }
    return render(request, "governance/model_access.html", context)


def person(request: PortalRequest, username: str) -> HttpResponse:
    """What can this person or service account reach?"""
    account = account_of(request.user, username)
    found = reach.what(account, Model.objects.visible_to(request.user))
    return _reached(request, found, account=account)


def token(request: PortalRequest, pk: str) -> HttpResponse:
    """What can this token reach?"""
    one = get_object_or_404(Token.objects.visible_to(request.user).select_related("owner"), pk=pk)
    return _reached(request, token_reach(request.user, one), account=one.owner, token=one)


def why(request: PortalRequest) -> HttpResponse:
    """Why was this denied? A form, and under it the whole reasoning."""
    form = WhyForm(request.GET or None)
    explained: Explained | None = None
    if form.is_bound and form.is_valid():
        asked, errors = question(request.user, form.cleaned_data)
        for name, sentence in errors.items():
            form.add_error(name, sentence)
        explained = explain(asked) if asked else None
    context = {"form": form, "explained": explained, "asked": form.cleaned_data if explained else {}}
    return render(request, "governance/why.html", context)


def _reached(
    request: PortalRequest, found: list[reach.What], *, account: User, token: Token | None = None
) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    named = [row for row in found if query.lower() in row.model.lower()]
    context = {
        "account": account,
        "token": token,
        "query": query,
        "words": ACTION_WORDS,
        "self": account == request.user,
        **_cut(request, named),
    }
    return render(request, "governance/person_access.html", context)


def _cut(request: PortalRequest, rows: list[Any]) -> dict[str, Any]:
    """One page of `rows`, their number, and links to the neighbours."""
    text = request.GET.get("page", "")
    number = int(text) if text.isdecimal() and len(text) < 6 else 0
    start = min(number * ON_A_PAGE, max(0, len(rows) - 1) // ON_A_PAGE * ON_A_PAGE)
    links = {}
    for name, place in (("newer", start - ON_A_PAGE), ("older", start + ON_A_PAGE)):
        query = request.GET.copy()
        query["page"] = str(place // ON_A_PAGE)
        links[name] = f"?{query.urlencode()}" if 0 <= place < len(rows) else ""
    return {"rows": rows[start : start + ON_A_PAGE], "count": len(rows), **links}


def _one_of(request: PortalRequest, name: str, choices: Any) -> str:
    asked = request.GET.get(name, "")
    return asked if asked in choices else str(next(iter(choices)))
