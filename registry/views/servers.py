"""Tracking servers: how old the knowledge is, what went wrong, and what one can do about it."""

from __future__ import annotations

from celery import current_app
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from registry.actions import servers as verbs
from registry.errors import Invalid
from registry.forms.servers import AddressForm, AuthorityForm, CredentialsForm, ServerForm
from registry.models import Delivery, Model, TrackingServer, User, Version, sees_everything
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest

NEEDS = "registry.sync_trackingserver"
SHOWN = 20


def _counted(user: User) -> QuerySet[TrackingServer]:
    models = Model.objects.present().filter(server=OuterRef("pk")).values("server").annotate(n=Count("pk"))
    unread = Version.objects.unread().filter(model__server=OuterRef("pk")).values("model__server")
    return TrackingServer.objects.visible_to(user).annotate(
        model_count=Coalesce(Subquery(models.values("n")), 0),
        unread_count=Coalesce(Subquery(unread.annotate(n=Count("pk")).values("n")), 0),
    )


def servers(request: PortalRequest) -> HttpResponse:
    """Every tracking server that is followed, with how old our knowledge of it is."""
    require(request.user, NEEDS)
    return render(
        request, "registry/servers.html", {"page": page(_counted(request.user), request, by="name")}
    )


def new(request: PortalRequest) -> HttpResponse:
    """Follow another tracking server."""
    require(request.user, NEEDS)
    form = ServerForm(request.POST or None)
    if form.is_valid():
        try:
            made = verbs.add(**form.cleaned_data, by=request.user)
        except Invalid as error:
            form.take(error)
        else:
            current_app.send_task("registry.sync_server", [made.pk, request.user.pk])
            messages.success(request, "Followed. A worker is reading it now.")
            return redirect(made)
    return render(request, "registry/server_new.html", {"form": form}, status=400 if form.errors else 200)


def server(request: PortalRequest, name: str) -> HttpResponse:
    """One tracking server: knowledge, problem, credentials, webhook."""
    one = _found(request, name)
    deliveries = _deliveries(one, request.user).order_by("-pk")
    unread = Version.objects.visible_to(request.user).unread().filter(model__server=one)
    context = {
        "server": one,
        "credentials_form": CredentialsForm(initial={"username": one.username}),
        "authority_form": AuthorityForm(initial={"authority": one.authority}),
        "address_form": AddressForm(initial={"uri": one.uri}),
        "hook_url": settings.SITE_URL + reverse("mlflow-hook", args=[one.name]),
        "deliveries": deliveries.only("event", "model_name", "received_at")[:SHOWN],
        "unread": unread.select_related("model").order_by("-registered_at", "pk")[:SHOWN],
    }
    return render(request, "registry/server.html", context)


@require_POST
def read(request: PortalRequest, name: str) -> HttpResponse:
    """Let a worker read the server now."""
    one = _found(request, name)
    current_app.send_task("registry.sync_server", [one.pk, request.user.pk])
    messages.info(request, "A worker is reading the tracking server. What it finds appears in a moment.")
    return redirect(one)


@require_POST
def move(request: PortalRequest, name: str) -> HttpResponse:
    """The server answers at another address now."""
    one = _found(request, name)
    form = AddressForm(request.POST)
    verbs.move(server=one, uri=form.checked()["uri"], by=request.user)
    messages.success(request, "It is read at this address from now on.")
    return redirect("server", name)


@require_POST
def credentials(request: PortalRequest, name: str) -> HttpResponse:
    """Log in there with other credentials from now on."""
    one = _found(request, name)
    form = CredentialsForm(request.POST)
    verbs.set_credentials(server=one, **form.checked(), by=request.user)
    messages.success(request, f"From now on: {one.credentials_in_words}.")
    return redirect(one)


@require_POST
def authority(request: PortalRequest, name: str) -> HttpResponse:
    """Trust other certificates there from now on."""
    one = _found(request, name)
    form = AuthorityForm(request.POST)
    verbs.trust(server=one, **form.checked(), by=request.user)
    messages.success(request, f"Trusted from now on: {one.authority_in_words}.")
    return redirect(one)


@require_POST
def follow(request: PortalRequest, name: str) -> HttpResponse:
    """Stop following the server, or follow it again."""
    one = _found(request, name)
    if "pause" in request.POST:
        verbs.pause(server=one, by=request.user)
        messages.success(request, "Paused. What is known of it stays.")
    else:
        verbs.resume(server=one, by=request.user)
        current_app.send_task("registry.sync_server", [one.pk, request.user.pk])
        messages.success(request, "Followed again. A worker is reading it now.")
    return redirect(one)


@require_POST
def believe(request: PortalRequest, name: str) -> HttpResponse:
    """What is suddenly missing there is meant to be gone."""
    one = _found(request, name)
    verbs.believe(server=one, by=request.user)
    current_app.send_task("registry.sync_server", [one.pk, request.user.pk])
    messages.success(request, "The next read marks it gone. A worker is reading now.")
    return redirect(one)


@require_POST
def webhook(request: PortalRequest, name: str) -> HttpResponse:
    """Let a worker create the webhook on the server, with a new secret."""
    one = _found(request, name)
    verbs.order_hook(server=one, by=request.user)
    messages.info(request, "A worker is asking the tracking server for the webhook.")
    return redirect(one)


def _found(request: PortalRequest, name: str) -> TrackingServer:
    require(request.user, NEEDS)
    return get_object_or_404(TrackingServer.objects.visible_to(request.user), name=name)


def _deliveries(server: TrackingServer, user: User) -> QuerySet[Delivery]:
    """What `server` delivered about models that exist for `user`: a role that reads servers sees no model by that."""
    found = Delivery.objects.filter(server=server)
    if sees_everything(user):
        return found
    return found.filter(model_name__in=Model.objects.visible_to(user).filter(server=server).values("name"))
