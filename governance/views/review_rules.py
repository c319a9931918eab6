"""What an approval needs for each risk class: read by everybody, decided by compliance."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from governance.actions import review_rules as verbs
from governance.models import ReviewRuleDecision, rules_in_force
from governance.review_forms import ReviewRuleForm
from registry.errors import Invalid
from registry.paging import page
from registry.permissions import require
from registry.request import PortalRequest


def review_rules(request: PortalRequest) -> HttpResponse:
    """Every rule, and who decided it."""
    context = {
        "rules": rules_in_force(),
        "page": page(ReviewRuleDecision.objects.select_related("by"), request, by="-decided_at", size=20),
        "may_decide": request.user.has_perm("governance.set_review_rule"),
    }
    return render(request, "governance/review_rules.html", context)


def review_rule(request: PortalRequest, risk_class: str) -> HttpResponse:
    """Decide the rule of one risk class."""
    require(request.user, "governance.set_review_rule")
    rules = rules_in_force()
    if risk_class not in rules:
        raise Http404
    form = ReviewRuleForm(rules[risk_class], request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.decide(rule=form.rule(), rationale=form.cleaned_data["rationale"], by=request.user)
        except Invalid as wrong:
            for name, sentences in wrong.fields.items():
                form.add_error(name if name in form.fields else None, sentences)
        else:
            messages.success(request, "Decided." if made else "Nothing was changed.")
            return redirect("review-rules")
    context = {"form": form, "risk_class": risk_class}
    return render(request, "governance/review_rule.html", context, status=400 if form.errors else 200)
