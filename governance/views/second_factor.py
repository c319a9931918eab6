"""One's own second factor. Its secret is shown to its owner until it is enrolled, and to nobody afterwards."""

from __future__ import annotations

from base64 import b32encode

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from governance import refusals
from governance.actions import second_factor as verbs
from governance.review_forms import SigningForm
from governance.signing import prove, second_factor, verified
from registry.errors import Refused
from registry.models import User
from registry.request import PortalRequest

ACTION = "account.second_factor"


@never_cache
def factor(request: PortalRequest) -> HttpResponse:
    """Enrol an authenticator, or take it away: both need the password and a code that it shows."""
    enrolled = second_factor(request.user) is not None
    form = SigningForm(request.POST if request.method == "POST" else None, code=True)
    if request.method == "POST" and form.is_valid():
        try:
            _change(request.user, enrolled=enrolled, **form.cleaned_data)
        except Refused as refused:
            refusals.keep(refused, by=request.user)
            form.add_error(None, str(refused))
        else:
            messages.success(
                request, "Taken away." if enrolled else "Enrolled. Signing asks for a code from now on."
            )
            return redirect("second_factor")
    context: dict[str, object] = {"form": form, "enrolled": enrolled}
    if not enrolled:
        device = verbs.prepare(by=request.user)
        picture = segno.make(device.config_url, error="m", micro=False)
        context["picture"] = picture.svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
        context["secret"] = b32encode(device.bin_key).decode()
    return render(request, "registration/second_factor.html", context, status=400 if form.errors else 200)


def _change(user: User, *, enrolled: bool, password: str, code: str) -> None:
    if enrolled:
        verbs.remove(proof=prove(by=user, password=password, code=code, action=ACTION), by=user)
        return
    proof = prove(by=user, password=password, action=ACTION)
    device = verbs.prepare(by=user)
    verified(device, code)  # a wrong try stays counted, whatever the verb says next
    verbs.enrol(device=device, proof=proof, by=user)
