"""Every table that a decision depends on tells the gates what has changed: the row's verb, an administrator's raw SQL and
a restored backup alike. A change that touches very much is told as one: everything is stale then."""

from __future__ import annotations

from django.db import migrations

# TG_ARGV: what kind of thing is concerned, and the query that names them from the rows that have changed (`fresh`, `old`).
HEARS = """
CREATE FUNCTION cardinal_gate_hears() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE concerned text[];
BEGIN
  EXECUTE 'SELECT array_agg(DISTINCT id::text) FROM (' || TG_ARGV[1] || ') AS found (id) WHERE id IS NOT NULL' INTO concerned;
  IF cardinality(concerned) > 200 OR TG_ARGV[0] = 'all' AND cardinality(concerned) > 0 THEN
    PERFORM cardinal_tell_gate('all');
  ELSE
    PERFORM cardinal_tell_gate(TG_ARGV[0], one) FROM unnest(concerned) AS one;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION cardinal_gate_hears_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cardinal_tell_gate('all');
  RETURN NULL;
END $$;
"""

# Table, kind of what is concerned, the column that names it, and which columns a decision looks at (updates of others say
# nothing); "" for all. What is new concerns a gate only where its absence has been seen: a model by its slug, a version by
# its model, a token by nothing but that there are new ones.
RULES = (
    ("governance_token", "token", "id", ""),
    ("governance_token_models", "token", "token_id", ""),
    ("governance_serviceaccount", "user", "account_id", "sponsor_id, account_id"),
    ("registry_user", "user", "id", "is_active, is_superuser, username, kind"),
    ("registry_user_groups", "user", "user_id", ""),
    ("registry_rolegrant", "user", "user_id", ""),
    ("registry_teammember", "user", "user_id", ""),
    ("registry_user_user_permissions", "user", "user_id", ""),
    ("auth_group", "all", "id", "name"),
    ("auth_group_permissions", "all", "group_id", ""),
    ("registry_modelgroupobjectpermission", "model", "content_object_id", ""),
    ("registry_modeluserobjectpermission", "model", "content_object_id", ""),
    ("registry_model", "model", "id", "slug, tags"),
    ("registry_alias", "model", "model_id", ""),
    ("registry_version", "model", "model_id", "model_id, number"),
    ("registry_endpoint", "version", "version_id", ""),
    ("registry_system_models", "model", "model_id", ""),
    ("governance_policy", "model", "model_id", ""),
    ("governance_clearance", "version", "version_id", "allowed, valid_until, conditions, version_id, environment"),
    ("governance_breakglass", "version", "version_id", ""),
    ("governance_tokenlife", "all", "id", ""),
)  # fmt: skip
OF_A_SYSTEM = "SELECT s.model_id FROM {rows} n JOIN registry_system_models s ON s.system_id = n.{system}"
OF_A_TEAM = "SELECT b.user_id FROM fresh n JOIN old o USING (id) JOIN registry_teammember b ON b.team_id = n.id WHERE n.archived_at IS DISTINCT FROM o.archived_at"
# Table, event, kind, query: what RULES cannot say.
OTHERS = (
    ("registry_model", "INSERT", "slug", "SELECT slug FROM fresh"),
    ("registry_model", "UPDATE", "slug", "SELECT n.slug FROM fresh n JOIN old o USING (id) WHERE n.slug <> o.slug"),
    ("registry_team", "UPDATE", "user", OF_A_TEAM),
    ("registry_system", "UPDATE", "model", OF_A_SYSTEM.format(
        rows="(SELECT n.id FROM fresh n JOIN old o USING (id) WHERE n.retired_at IS DISTINCT FROM o.retired_at)", system="id")),
    ("governance_riskdecision", "INSERT", "model", OF_A_SYSTEM.format(rows="fresh", system="system_id")),
    ("governance_riskdecision", "DELETE", "model", OF_A_SYSTEM.format(rows="old", system="system_id")),
    ("governance_riskdecision", "UPDATE", "model", OF_A_SYSTEM.format(rows="fresh", system="system_id")),
)  # fmt: skip
ROWS = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "NEW TABLE AS fresh OLD TABLE AS old",
    "DELETE": "OLD TABLE AS old",
}


def queries() -> list[tuple[str, str, str, str]]:
    """(table, event, kind, query) of each trigger."""
    found = []
    for table, kind, column, looked_at in RULES:
        if table != "registry_model":
            found.append((table, "INSERT", kind, f"SELECT {column} FROM fresh"))
        changed = f"SELECT {column} FROM fresh UNION SELECT {column} FROM old"
        if looked_at:
            new, old = (", ".join(f"{row}.{c.strip()}" for c in looked_at.split(",")) for row in "no")
            both = f"fresh n JOIN old o USING (id) WHERE ROW({new}) IS DISTINCT FROM ROW({old})"
            changed = f"SELECT n.{column} FROM {both} UNION SELECT o.{column} FROM {both}"
            changed = changed.replace("n.id", "id").replace("o.id", "id")
        found.append((table, "UPDATE", kind, changed))
        found.append((table, "DELETE", kind, f"SELECT {column} FROM old"))
    return [*found, *OTHERS]


def triggers() -> str:
    """The statements that put the triggers up."""
    made = []
    for table, event, kind, query in queries():
        made.append(
            f"CREATE TRIGGER gate_hears_{kind}_{event.lower()} AFTER {event} ON {table} REFERENCING {ROWS[event]} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION cardinal_gate_hears('{kind}', '{query}');"
        )
    made += [
        f"CREATE TRIGGER gate_hears_truncate AFTER TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION cardinal_gate_hears_all();"
        for table in dict.fromkeys(table for table, *_ in queries())
    ]
    # ALWAYS: also in a session that poses as a replica.
    made += [f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};" for table, name in named()]
    return "\n".join(made)


def named() -> list[tuple[str, str]]:
    """Table and name of every trigger."""
    found = [(table, f"gate_hears_{kind}_{event.lower()}") for table, event, kind, _ in queries()]
    return found + [
        (table, "gate_hears_truncate") for table in dict.fromkeys(table for table, *_ in queries())
    ]


def undo() -> str:
    """The statements that take them down."""
    dropped = "\n".join(f"DROP TRIGGER {name} ON {table};" for table, name in named())
    return f"{dropped}\nDROP FUNCTION cardinal_gate_hears();\nDROP FUNCTION cardinal_gate_hears_all();"


class Migration(migrations.Migration):
    dependencies = [("governance", "0076_gate_told")]

    operations = [migrations.RunSQL(HEARS + triggers(), undo())]
