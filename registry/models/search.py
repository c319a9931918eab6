"""The index of search: one row for each model, dataset, system, card and datasheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from registry.models.datasets import Dataset
from registry.models.documents import Document
from registry.models.model import Model
from registry.models.systems import System
from registry.models.visibility import sees_everything

if TYPE_CHECKING:
    from registry.models.users import User


class SearchRowQuerySet(models.QuerySet["SearchRow"]):
    def visible_to(self, user: User) -> Self:
        """Rows about objects that exist for `user`."""
        if sees_everything(user):
            return self
        seen = Model.objects.visible_to(user).values("pk")
        return self.filter(
            Q(model__in=seen)
            | Q(card_of__in=seen)
            | Q(dataset__in=Dataset.objects.visible_to(user).values("pk"))
            | Q(sheet_of__in=Dataset.objects.visible_to(user).values("pk"))
            | Q(system__in=System.objects.visible_to(user).values("pk"))
        )


class SearchRow(models.Model):
    """What search knows about one object. Written by triggers in the transaction of every fact it rests on (migration
    0050), so it sees bulk writes, the administration and raw SQL as well; no verb and no page writes here.

    `pieces` is a list of [weight, label, text] for the snippets; that of a document is its revision, and not kept twice.
    Nothing stands in a row that somebody who sees its object may not see: a model names its systems and datasets, which
    are visible with it, but a system does not name its models.
    """

    class Kind(models.TextChoices):
        MODEL = "model", "Model"
        SYSTEM = "system", "System"
        DATASET = "dataset", "Dataset"
        CARD = "card", "Model card"
        DATASHEET = "datasheet", "Datasheet"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    model = models.OneToOneField(Model, null=True, on_delete=models.CASCADE, related_name="indexed")
    system = models.OneToOneField(System, null=True, on_delete=models.CASCADE, related_name="indexed")
    dataset = models.OneToOneField(Dataset, null=True, on_delete=models.CASCADE, related_name="indexed")
    document = models.OneToOneField(Document, null=True, on_delete=models.CASCADE, related_name="indexed")
    card_of = models.ForeignKey(Model, null=True, on_delete=models.CASCADE, related_name="+")
    sheet_of = models.ForeignKey(Dataset, null=True, on_delete=models.CASCADE, related_name="+")
    name = models.TextField()
    pieces = models.JSONField(default=list)
    vector = SearchVectorField()
    teams = ArrayField(models.TextField(), default=list)
    flavours = ArrayField(models.TextField(), default=list)
    aliases = ArrayField(models.TextField(), default=list)
    # "team:credit", "flavour:sklearn", "alias:champion"; at most 2 000 bytes, so that they fit into an index
    offered = ArrayField(models.TextField(), default=list)
    # Stands for `offered` where models that offer the same are counted together: to hash arrays is most of that work
    offered_hash = models.GeneratedField(
        expression=models.Func(models.F("offered"), models.Value(0), function="hash_array_extended"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    changed_at = models.DateTimeField()  # newest of: created, last version, last revision of a document

    objects = SearchRowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="model", model__isnull=False, system=None, dataset=None, document=None)
                | Q(kind="system", model=None, system__isnull=False, dataset=None, document=None)
                | Q(kind="dataset", model=None, system=None, dataset__isnull=False, document=None)
                | Q(kind__in=["card", "datasheet"], model=None, system=None, dataset=None)
                & Q(document__isnull=False),
                name="search_row_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(kind="card", card_of__isnull=False, sheet_of=None)
                | Q(kind="datasheet", card_of=None, sheet_of__isnull=False)
                | (~Q(kind__in=["card", "datasheet"]) & Q(card_of=None, sheet_of=None)),
                name="search_row_says_whose_document",
            ),
        ]
        indexes = [
            GinIndex(fields=["vector"], name="search_vector", fastupdate=False),
            models.Index(fields=["kind", "-changed_at"], name="search_by_change"),
            models.Index(Upper("name"), name="search_name"),
            GinIndex(fields=["teams", "flavours", "aliases"], name="search_values", fastupdate=False),
            # What pages offer to filter by is read from the index alone, past the wide rows of the table.
            models.Index(
                fields=["model"],
                include=["offered_hash", "offered"],
                condition=Q(kind="model"),
                name="search_offered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"
