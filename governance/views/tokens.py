"""Tokens: issue, show once, revoke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from governance.actions import tokens as verbs
from governance.gate.reasons import REASONS
from governance.models import Decision, Stop, Token
from governance.notices import TOKEN_STAGES
from governance.permissions import may_countersign, may_end_token
from governance.token_forms import RotateForm, TokenForm
from governance.tokens import Secret
from governance.views.anomalies import anomalies_of
from governance.views.stops import stop_on
from registry.errors import Conflict, Invalid
from registry.models import Model
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

DAY = 86_400
SPARK_DAYS = 30
LAPSES_SOON = timedelta(days=max(TOKEN_STAGES))
STATES = (
    ("active", "Active"),
    ("waiting", "Waits for a second person"),
    ("expired", "Expired"),
    ("revoked", "Revoked"),
)


def index(request: PortalRequest) -> HttpResponse:
    """My tokens, and those on models whose tokens I manage."""
    query, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    rows = Token.objects.visible_to(request.user)
    if query:
        rows = rows.filter(
            Q(name__icontains=query) | Q(owner__username__icontains=query) | Q(prefix=query[:10])
        )
    if state in dict(STATES):
        rows = rows.in_state(state)
    stopped = Exists(Stop.objects.in_force().filter(reach="token", token=OuterRef("pk")))
    reached = Prefetch("models", queryset=Model.objects.visible_to(request.user).order_by("name"))
    context = {
        "page": page(
            rows.annotate(is_stopped=stopped).select_related("owner").prefetch_related(reached),
            request,
            by="-issued_at",
        ),
        "count": rows.count(),
        "query": query,
        "state": state,
        "states": STATES,
        "may_issue": request.user.has_perm("governance.issue_token"),
    }
    return render(request, "governance/tokens.html", context)


@never_cache
@sensitive_variables("secret")
def issue(request: PortalRequest) -> HttpResponse:
    """Issue a token and show it, once."""
    require(request.user, "governance.issue_token")
    form = TokenForm(request.user, request.POST or None, initial={"models": request.GET.getlist("model")})
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        given = form.cleaned_data
        try:
            with using_once(request, given["once"]):
                token, secret = verbs.issue(
                    name=given["name"],
                    owner=given["owner"],
                    models=list(given["models"]),
                    scope=form.scope(),
                    environment=given["environment"],
                    expires_at=form.expires_at(),
                    by=request.user,
                )
        except Invalid as error:
            for name, sentences in error.fields.items():
                form.add_error(name if name in form.fields else None, sentences)
        else:
            return shown(request, token, secret)
    told = form.sentence() if request.method == "POST" and hasattr(form, "cleaned_data") else ""
    return render(request, "governance/token_new.html", {"form": form, "told": told})


@require_POST
def say(request: PortalRequest) -> HttpResponse:
    """What a token would be able to do, as the form stands now: the live sentence beside it. Writes nothing."""
    require(request.user, "governance.issue_token")
    form = TokenForm(request.user, request.POST)
    form.is_valid()
    return render(request, "governance/token_new.html#sentence", {"told": form.sentence()})


@contextmanager
def using_once(request: PortalRequest, once: object) -> Iterator[None]:
    """A form issues once: a page that is loaded again issues nothing. What was refused may be mended and sent again."""
    key = f"token-form:{request.user.pk}:{once}"
    if not cache.add(key, 1, timeout=DAY):
        raise Conflict("This form was used already. Its token was shown once; issue a new one if it is lost.")
    try:
        yield
    except Exception:
        cache.delete(key)
        raise


@sensitive_variables("secret")
def shown(request: PortalRequest, token: Token, secret: Secret) -> HttpResponse:
    """The only page that ever holds the secret."""
    models = list(token.reach().filter(pk__in=Model.objects.visible_to(request.user)).order_by("name")[:20])
    context = {
        "token": token,
        "sentence": token.said([] if token.tag_key else [model.name for model in models]),
        "secret": secret.text,
        "model": models[0] if models and "predict" in token.actions else None,
        "version": token.versions[0] if token.versions else None,
        "gate": settings.GATE_URL,
        "site": settings.SITE_URL,
    }
    return render(request, "governance/token_shown.html", context, status=201)


def token(request: PortalRequest, pk: str) -> HttpResponse:
    """One token: what it can do, until when, and what it did."""
    rows = Token.objects.visible_to(request.user)
    one = get_object_or_404(
        rows.select_related(
            "owner__service", "issued_by", "revoked_by", "countersigned_by", "replaces", "replaced_by", "use"
        ),
        pk=pk,
    )
    used = Decision.objects.filter(token=str(one.pk))
    if one.owner_id != request.user.pk:  # what one's own token did is one's own to see
        used = used.visible_to(request.user)
    models = list(Model.objects.visible_to(request.user).filter(tokens=one).order_by("name"))
    may_end = bool(may_end_token(request.user, one))
    may_issue = request.user.has_perm("governance.issue_token")
    waits = one.countersigned_at is None and one.state == "waiting"
    uses = page(used, request, by="-decided_at", size=20)
    for use in uses:
        use.reason_title = REASONS[use.reason].title if use.reason in REASONS else use.reason
    context = {
        "token": one,
        "sentence": one.said([model.name for model in models]),
        "models": models,
        "page": uses,
        "use_count": used.count(),
        "spark": spark(used),
        "lapses_soon": one.state == "active" and one.ends_at <= timezone.now() + LAPSES_SOON,
        "may_revoke": one.revoked_at is None and may_end,
        "stop": stop_on(request.user, token=one),
        "anomalies": anomalies_of(token=one),
        "may_stop": one.state in ("active", "waiting") and may_end,
        "rotate_form": RotateForm()
        if may_issue and one.state == "active" and not one.overlap_ends_at
        else None,
        "second": may_countersign(request.user, one) if waits and may_issue else None,
        "waits": waits,
    }
    return render(request, "governance/token.html", context)


@require_POST
def revoke(request: PortalRequest, pk: str) -> HttpResponse:
    """End a token within a second."""
    one = get_object_or_404(Token.objects.visible_to(request.user), pk=pk)
    verbs.revoke(token=one, by=request.user)
    messages.success(request, "Revoked. Queries with it are refused within a second.")
    return redirect(one)


def spark(used: QuerySet[Decision]) -> dict[str, object]:
    """The uses of the last 30 days, a bar a day, as a small picture with its words. One bounded query."""
    today = timezone.now().date()
    since = timezone.now() - timedelta(days=SPARK_DAYS)
    rows = used.filter(decided_at__gt=since).annotate(day=TruncDate("decided_at")).values("day")
    counted = {row["day"]: row["uses"] for row in rows.annotate(uses=Count("pk")).order_by()}
    days = [today - timedelta(days=back) for back in range(SPARK_DAYS - 1, -1, -1)]
    most = max(counted.values(), default=0)
    heights = [round(30 * counted.get(day, 0) / most) if most else 0 for day in days]
    bars = [
        {"x": 6 * place, "y": 31 - max(tall, 1), "height": max(tall, 1), "used": day in counted}
        for place, (day, tall) in enumerate(zip(days, heights, strict=True))
    ]
    uses = sum(counted.values())
    said = (
        f"{uses} use{'' if uses == 1 else 's'} in {SPARK_DAYS} days, at most {most} on one day"
        if uses
        else f"Not used in {SPARK_DAYS} days"
    )
    return {"bars": bars, "said": said, "width": 6 * SPARK_DAYS}
