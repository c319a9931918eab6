"""Who of many sees what of much, in one query: what `visible_to` and `has_perm` say of one account at a time.

For whoever is about to tell people something. A request asks `visible_to`, which knows the limit of its token.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import connection

from registry.models.visibility import SEEING

PEOPLE = """
people AS MATERIALIZED (
  SELECT id, is_superuser FROM registry_user WHERE id = ANY(%(people)s) AND is_active
), belongs AS MATERIALIZED (
  SELECT m.user_id, m.group_id FROM registry_membership m WHERE m.user_id = ANY(%(people)s)
)
"""
HOLD = """
p.is_superuser
OR EXISTS (SELECT 1 FROM registry_user_user_permissions h WHERE h.user_id = p.id AND h.permission_id = ({right}))
OR EXISTS (SELECT 1 FROM belongs b JOIN auth_group_permissions h ON h.group_id = b.group_id
           WHERE b.user_id = p.id AND h.permission_id = ({right}))
"""
RIGHT = """
SELECT r.id FROM auth_permission r JOIN django_content_type t ON t.id = r.content_type_id
WHERE t.app_label = %(app)s AND r.codename = %(codename)s
"""
HOLDING = f"WITH {PEOPLE} SELECT p.id FROM people p WHERE {HOLD.format(right=RIGHT)}"  # noqa: S608 - fixed text

# Place 0: who sees every model. Every other: how many models of the set at this place are shared with whom. It is the rule of
# `visibility.SHARED` and `SEERS`, for many of both; whoever changes the one changes the other (a test compares).
SEEN = f"""
WITH {PEOPLE}, shared AS (
  SELECT own.user_id, own.content_object_id AS model FROM registry_modeluserobjectpermission own
  JOIN people p ON p.id = own.user_id
  WHERE own.content_object_id = ANY(%(models)s) AND own.permission_id = ({SEEING})
  UNION
  SELECT p.id, theirs.content_object_id FROM registry_modelgroupobjectpermission theirs
  JOIN belongs b ON b.group_id = theirs.group_id JOIN people p ON p.id = b.user_id
  WHERE theirs.content_object_id = ANY(%(models)s) AND theirs.permission_id = ({SEEING})
)
SELECT 0, p.id, 0 FROM people p WHERE {HOLD.format(right=SEEING)}
UNION ALL
SELECT a.place, s.user_id, count(*) FROM unnest(%(places)s::int[], %(models)s::bigint[]) a(place, model)
JOIN shared s ON s.model = a.model GROUP BY a.place, s.user_id
"""  # noqa: S608 - fixed text
Set = frozenset[int]  # of models, by key


def holding(permission: str, people: Iterable[int]) -> set[int]:
    """Those of `people` (keys of accounts) who hold `permission` ("app.codename") and are switched on. One query."""
    app, _, codename = permission.partition(".")
    with connection.cursor() as cursor:
        cursor.execute(HOLDING, {"people": list(people), "app": app, "codename": codename})
        return {pk for (pk,) in cursor.fetchall()}


def seeing(people: Collection[int], sets: Iterable[Set], *, whole: bool = False) -> set[tuple[int, Set]]:
    """(account, set) for each of `people` who sees a model of the set, or with `whole` each of them. One query.

    Whoever sees every model sees the set that is empty, too.
    """
    ordered = list(set(sets))
    pairs = [(place, model) for place, one in enumerate(ordered, start=1) for model in one]
    given = {
        "people": list(people),
        "places": [place for place, _ in pairs],
        "models": [model for _, model in pairs],
    }
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(SEEN, given)
        for place, person, number in cursor.fetchall():
            if place == 0:
                found |= {(person, one) for one in ordered}
            elif not whole or number == len(ordered[place - 1]):
                found.add((person, ordered[place - 1]))
    return found
