"""The trail: history in sentences, and each entry as it is stored."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from django import forms
from django.db import models
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from audit import phrases
from audit.models import Entry, reference
from audit.models.trail import EntryQuerySet
from audit.views import rows as shown
from governance.models import Token
from registry.models import Dataset, Model, System, User, Version
from registry.paging import page
from registry.request import PortalRequest

NAMED = 50  # objects that one search follows, of each kind
NUMBERED = re.compile(r"(?P<name>.+?)\s+v(?:ersion\s*)?(?P<number>\d{1,9})\Z")
REFERENCE = re.compile(r"[a-z]+\.[a-z]+:[0-9a-f-]{1,36}\Z")


class TrailFilter(forms.Form):
    """What is looked for in the trail."""

    q = forms.CharField(
        required=False, max_length=200, label="Object", widget=forms.TextInput(attrs={"type": "search"})
    )
    actor = forms.CharField(required=False, max_length=150, label="Who")
    kind = forms.ChoiceField(
        required=False,
        label="What",
        choices=[("", "Anything"), *[(kind, kind) for kind in sorted(phrases.PHRASES)]],
    )
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))


def trail(request: PortalRequest) -> HttpResponse:
    """What happened, newest first; filter by object, person, kind and day."""
    form = TrailFilter(request.GET)
    found = Entry.objects.visible_to(request.user)
    if form.is_valid():
        found = _filtered(found, form, request.user)
    entries = page(found, request, by="-created_at")
    context = {
        "page": entries,
        "rows": [shown.row(entry) for entry in entries],
        "count": found.count(),
        "form": form,
        "filtered": any(value for value in form.data.values()),
        "reads_all": request.user.has_perm("audit.view_entry"),
    }
    return render(request, "audit/trail.html", context)


def entry(request: PortalRequest, pk: str) -> HttpResponse:
    """One entry: the sentence, its facts, the stored bytes with their digest, and what stands beside it."""
    found = Entry.objects.visible_to(request.user)
    one = get_object_or_404(found, pk=pk)
    body = one.facts
    earlier = Q(created_at__lt=one.created_at) | Q(created_at=one.created_at, pk__lt=one.pk)
    later = Q(created_at__gt=one.created_at) | Q(created_at=one.created_at, pk__gt=one.pk)
    before = found.filter(earlier).newest().first()
    after = found.filter(later).order_by("created_at", "pk").first()
    context = {
        "entry": one,
        "row": shown.row(one),
        "body": body,
        "facts": list(shown.facts(body)),
        "stored": bytes(one.body).decode(),
        "before": shown.row(before, url=reverse("entry", args=[before.pk])) if before else None,
        "after": shown.row(after, url=reverse("entry", args=[after.pk])) if after else None,
    }
    return render(request, "audit/entry.html", context)


def _filtered(found: EntryQuerySet, form: TrailFilter, user: User) -> EntryQuerySet:
    given = form.cleaned_data
    if given["q"]:
        found = found.filter(subjects__overlap=_references(given["q"], user))
    if given["actor"]:
        found = found.filter(actor=given["actor"].strip())
    if given["kind"]:
        found = found.filter(kind=given["kind"])
    if given["since"]:
        found = found.filter(created_at__gte=datetime.combine(given["since"], time.min, tzinfo=UTC))
    if given["until"]:
        end = datetime.combine(given["until"], time.min, tzinfo=UTC) + timedelta(days=1)
        found = found.filter(created_at__lt=end)
    return found


def _references(text: str, user: User) -> list[str]:
    """How entries point at the objects that are called something like `text`: names are found, then the index."""
    text = text.strip()
    if REFERENCE.match(text):
        return [text]
    if numbered := NUMBERED.match(text):
        rows: models.QuerySet[Version] = Version.objects.visible_to(user).filter(
            number=int(numbered["number"])
        )
        versions = list(rows.filter(model__name__icontains=numbered["name"])[:NAMED])
        if versions:
            return [reference(one) for one in versions]
    kinds = (Model, System, Dataset, Token)
    return [
        reference(one)
        for kind in kinds
        for one in kind.objects.visible_to(user).filter(name__icontains=text).only("pk")[:NAMED]
    ]
