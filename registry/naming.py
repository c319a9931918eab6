"""How a version or a dataset is called on a command line and in an address: `model-slug/number`, or a dataset's slug."""

from __future__ import annotations

from django.db.models import Q

from registry.errors import Missing
from registry.models import Dataset, User, Version


def named(name: str, by: User) -> Version | Dataset:
    """The version or dataset that is called so and exists for `by`."""
    slug, slash, number = name.strip().partition("/")
    if not slash:
        found = Dataset.objects.visible_to(by).select_related("datasheet__head__by").filter(slug=slug).first()
        if found is None:
            raise Missing(
                f"There is no dataset {slug[:80]!r}. A version of a model is called model-slug/number."
            )
        return found
    version = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        rows = Version.objects.visible_to(by).select_related("model", "card__head__by", "run")
        version = rows.named(slug, int(number)).first()
    if version is None:
        raise Missing(
            f"There is no version {name[:80]!r}. A version is called model-slug/number, a dataset by its slug."
        )
    return version


def named_in(name: str, version: str, kind: str, by: User) -> list[str]:
    """What exists here under the name that a file says it is about: as `named` takes it, at most five."""
    if not name or len(name) > 256:
        return []
    bare = name.rsplit("/", 1)[-1]
    called = Q(name__iexact=name) | Q(name__iexact=bare) | Q(slug__iexact=bare[:120])
    if kind == "datasheet":
        return list(
            Dataset.objects.visible_to(by).filter(called).order_by("slug").values_list("slug", flat=True)[:5]
        )
    about = Q(model__name__iexact=name) | Q(model__name__iexact=bare) | Q(model__slug__iexact=bare[:120])
    rows = Version.objects.visible_to(by).filter(about)
    digits = version.lower().removeprefix("v")
    if digits.isascii() and digits.isdigit() and len(digits) < 10:
        rows = rows.filter(number=int(digits))
    return [
        f"{slug}/{number}"
        for slug, number in rows.order_by("-number", "model__slug").values_list("model__slug", "number")[:5]
    ]
