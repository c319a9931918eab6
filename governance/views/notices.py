"""What one wants to be told of, and the way out that each mail carries."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt

from governance.actions import notices as verbs
from governance.mailing import unsubscribing
from governance.models import MailRhythm, Switch
from governance.notice_forms import Choice, NoticesForm
from governance.notices import KIND, KINDS
from registry.models import User
from registry.request import PortalRequest


def choose(request: PortalRequest) -> HttpResponse:
    """A row for each kind of notice: in the inbox, by mail, both or neither."""
    user = request.user
    daily = MailRhythm.objects.filter(person=user, daily=True).exists()
    form = NoticesForm(chosen_by(user), daily=daily, data=request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():  # all of one form, or none of it
            for key, (in_app, by_mail) in form.changed().items():
                verbs.switch(kind=key, in_app=in_app, by_mail=by_mail, by=user)
            if form.cleaned_data["daily"] != daily:
                verbs.set_rhythm(daily=form.cleaned_data["daily"], by=user)
        messages.success(request, "Saved. It holds from now on.")
        return redirect("notice-settings")
    context = {"form": form, "groups": list(form.groups()), "mail": settings.MAIL_ENABLED}
    return render(request, "registration/notice_settings.html", context, status=400 if form.errors else 200)


@csrf_exempt  # a mail program posts this by itself (RFC 8058), and has no cookie; the signed key is the proof
@login_not_required
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """Switch off the mail that this address came with. Asked by GET, done by POST; the inbox goes on."""
    found = unsubscribing(request.GET.get("key", "")[:400])
    user = User.objects.filter(pk=found[0], is_active=True).first() if found else None
    kind = found[1] if found else ""
    is_known = user is not None and (not kind or kind in KIND)
    is_done = request.method == "POST" and is_known
    if is_done and user:
        silence(user, [kind] if kind else list(KIND))
    context = {
        "is_known": is_known,
        "is_done": is_done,
        "title": KIND[kind].title if kind in KIND else "",
    }
    wrong = request.method == "POST" and not is_known
    return render(request, "registration/unsubscribe.html", context, status=400 if wrong else 200)


@transaction.atomic
def silence(user: User, kinds: list[str]) -> None:
    """No mail of these kinds any more."""
    chosen = chosen_by(user)
    for key in kinds:
        verbs.switch(kind=key, in_app=chosen[key][0], by_mail=False, by=user)


def chosen_by(user: User) -> dict[str, Choice]:
    """What holds for each kind: what was chosen, else the default. One query."""
    made = {one.kind: (one.in_app, one.by_mail) for one in Switch.objects.filter(person=user)}
    return {one.key: made.get(one.key, (True, one.is_mailed)) for one in KINDS}
