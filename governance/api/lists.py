"""The lists of models and datasets, asked in the same words as their pages: one definition of every filter."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.finding import datasets as datasets_list
from governance.finding import models as models_list
from governance.finding.criteria import Chosen, Plan
from registry.api.catalogue import MODEL, ModelOut
from registry.api.catalogue import with_parts as named
from registry.api.datasets import DatasetOut, with_parts
from registry.api.doors import Listing
from registry.api.problems import described
from registry.models import Dataset, Model
from registry.search.query import LONGEST

FOUND = MODEL | {
    "state": "not-cleared",
    "unmet": ["The card waits for its review."],
    "teams": ["credit"],
    "flavours": ["sklearn"],
    "changed_at": "2026-11-20T10:00:00Z",
    "version_count": 3,
}


def filter_of(plan: Plan, name: str) -> type[serializers.Serializer[Any]]:
    """The parameters of a list as a serializer: closed words are choices, and a wrong one is an error (400)."""
    fields: dict[str, Any] = {
        "__doc__": f"Which {plan.noun}, and in which order.",
        "q": serializers.CharField(
            required=False,
            allow_blank=True,
            max_length=LONGEST,
            help_text='Words in any order, the last may be unfinished; "in quotes" together, -without, or.',
        ),
        "sort": serializers.ChoiceField(
            choices=[*plan.sorts, *(f"-{sort}" for sort in plan.sorts), "relevance"],
            required=False,
            allow_blank=True,
            help_text="Relevance when something is searched, else by name.",
        ),
    }
    for one in plan.criteria:
        common: dict[str, Any] = {"required": False, "allow_blank": True, "help_text": one.help}
        fields[one.name] = (
            serializers.ChoiceField(choices=one.options, **common)
            if one.options
            else serializers.CharField(max_length=LONGEST, **common)
        )
    return type(name, (serializers.Serializer,), fields)


ModelFilter = filter_of(models_list.PLAN, "ModelFilter")
DatasetFilter = filter_of(datasets_list.PLAN, "DatasetFilter")


class Found(Listing):
    """A list by its plan: pages are cut over bare rows, and what is shown is asked of those alone."""

    plan: ClassVar[Plan]
    asks: ClassVar[type[serializers.Serializer[Any]]]

    def asked(self) -> Chosen:
        """What the query string asks; `Invalid` when it asks what the list does not know."""
        return self.plan.chosen({name: str(value) for name, value in self.chosen(self.asks).items()})

    def ordered_by(self) -> str:
        return self.asked().by

    def keys(self, chosen: Chosen) -> list[int]:
        """The keys of one page."""
        return [row.pk for row in self.paginate_queryset(self.plan.ordered(self.user, chosen)) or ()]


SHOWN = (
    "state",
    "unmet",
    "teams",
    "flavours",
    "changed_at",
    "version_count",
)  # of a row, beside the model itself


@extend_schema_serializer(examples=[OpenApiExample("A model", value=FOUND, response_only=True)])
class FoundModelOut(ModelOut):
    """A model as the list shows it, with its state in the environment that was asked about."""

    state = serializers.CharField(help_text="One of cleared, not-cleared, ungoverned.")
    unmet = serializers.ListField(
        child=serializers.CharField(),
        help_text="Why the latest version is not cleared, where no version is.",
    )
    teams = serializers.ListField(child=serializers.CharField())
    flavours = serializers.ListField(child=serializers.CharField())
    changed_at = serializers.DateTimeField(help_text="The newest version or card revision.")
    version_count = serializers.IntegerField()

    class Meta(ModelOut.Meta):
        fields = [
            *ModelOut.Meta.fields, *SHOWN,
        ]  # fmt: skip


class Models(Found):
    """Visible models."""

    kind = Model
    needs = ""
    order = "name"
    plan = models_list.PLAN
    asks = ModelFilter
    serializer_class = FoundModelOut

    @described(
        "models_list",
        "List models",
        "models",
        {200: FoundModelOut(many=True)},
        declines=(400, 401),
        parameters=[ModelFilter],
    )
    def get(self, request: Request) -> Response:
        """Models that are shared with you, or all if your role sees everything; searched, filtered and sorted."""
        chosen = self.asked()
        keys = self.keys(chosen)
        found = named(Model.objects.filter(pk__in=keys), self).in_bulk()
        for row in self.plan.rows(self.user, chosen, keys):
            for column in (one for one in SHOWN if row.pk in found):
                setattr(found[row.pk], column, getattr(row, column))
        return self.get_paginated_response(FoundModelOut([found[key] for key in keys], many=True).data)


class Datasets(Found):
    """Visible datasets."""

    kind = Dataset
    needs = ""
    order = "name"
    plan = datasets_list.PLAN
    asks = DatasetFilter
    serializer_class = DatasetOut

    @described(
        "datasets_list",
        "List datasets",
        "datasets",
        {200: DatasetOut(many=True)},
        declines=(400, 401),
        parameters=[DatasetFilter],
    )
    def get(self, request: Request) -> Response:
        """Datasets that a model visible to you has used; searched, filtered and sorted."""
        keys = self.keys(self.asked())
        found = with_parts(Dataset.objects.filter(pk__in=keys), self.user).in_bulk()
        return self.get_paginated_response(DatasetOut([found[key] for key in keys], many=True).data)
