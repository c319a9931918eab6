"""A stop is made by a person, lifted once, by a person, and stays on record; every gate hears of both at once."""

from django.db import migrations

COURSE = """
CREATE FUNCTION cardinal_stop_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  once text[] := ARRAY['lifted_at', 'lifted_by_id', 'lifted_because'];
  actor bigint;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a stop is lifted, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.lifted_at IS NOT NULL THEN
      RAISE EXCEPTION 'a stop is lifted after it was made' USING ERRCODE = 'check_violation';
    END IF;
    actor := NEW.by_id;
    NEW.stopped_at := clock_timestamp();
  ELSE
    IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR to_jsonb(NEW) - once IS DISTINCT FROM to_jsonb(OLD) - once THEN
      RAISE EXCEPTION 'a stop can only be lifted, once' USING ERRCODE = 'restrict_violation';
    END IF;
    actor := NEW.lifted_by_id;
    NEW.lifted_at := clock_timestamp();
  END IF;
  IF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = actor AND u.is_active AND u.kind = 'person') THEN
    RAISE EXCEPTION 'a person stops, and a person lifts' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER stop_course BEFORE INSERT OR UPDATE OR DELETE ON governance_stop
  FOR EACH ROW EXECUTE FUNCTION cardinal_stop_course();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON governance_stop
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER stop_course;
ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER refuse_truncate;
"""

# As every table that a decision depends on (0077): what a stop reaches is stale at every gate.
REACHES = {
    "all": "SELECT id FROM {rows} WHERE reach = ''all''",
    "model": "SELECT model_id FROM {rows}",
    "token": "SELECT token_id FROM {rows}",
}
ROWS = {
    "INSERT": ("NEW TABLE AS fresh", "fresh"),
    "UPDATE": ("NEW TABLE AS fresh", "fresh"),
    "DELETE": ("OLD TABLE AS old", "old"),
}


def told() -> str:
    """The statements that make the triggers which tell the gates."""
    made = [
        f"CREATE TRIGGER gate_hears_{kind}_{event.lower()} AFTER {event} ON governance_stop REFERENCING {named} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION cardinal_gate_hears('{kind}', '{query.format(rows=rows)}');"
        for kind, query in REACHES.items()
        for event, (named, rows) in ROWS.items()
    ]
    made.append(
        "CREATE TRIGGER gate_hears_truncate AFTER TRUNCATE ON governance_stop "
        "FOR EACH STATEMENT EXECUTE FUNCTION cardinal_gate_hears_all();"
    )
    return "\n".join(
        [*made, *(f"ALTER TABLE governance_stop ENABLE ALWAYS TRIGGER {name};" for name in names())]
    )


def names() -> list[str]:
    """The names of these triggers."""
    found = [f"gate_hears_{kind}_{event.lower()}" for kind in REACHES for event in ROWS]
    return [*found, "gate_hears_truncate"]


class Migration(migrations.Migration):
    dependencies = [("governance", "0081_notices_of_the_gate")]

    operations = [
        migrations.RunSQL(
            COURSE,
            "DROP TRIGGER stop_course ON governance_stop; DROP TRIGGER refuse_truncate ON governance_stop;"
            "DROP FUNCTION cardinal_stop_course();",
        ),
        migrations.RunSQL(told(), "\n".join(f"DROP TRIGGER {name} ON governance_stop;" for name in names())),
    ]
