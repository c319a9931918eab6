"""There is always somebody who gives roles: the last active administrator can neither be switched off nor lose the role."""

from django.db import migrations

# An administrator: an active superuser, or an active account with the role in force and without an end. Whoever takes one
# away waits for whoever takes another away (the lock ends with the transaction), then counts what is left.
LAST = """
CREATE FUNCTION cardinal_administrators() RETURNS SETOF bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('cardinal.administrators'));
  RETURN QUERY SELECT u.id FROM registry_user u WHERE u.is_active AND (u.is_superuser OR EXISTS (
    SELECT 1 FROM registry_rolegrant g WHERE g.user_id = u.id AND g.role = 'admin' AND g.ended_at IS NULL
    AND g.until IS NULL AND g.since <= clock_timestamp()));
END $$;
CREATE FUNCTION cardinal_last_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'registry_user' THEN
    IF NOT OLD.is_superuser AND NOT EXISTS (SELECT 1 FROM registry_rolegrant g WHERE g.user_id = OLD.id
         AND g.role = 'admin' AND g.ended_at IS NULL AND g.until IS NULL AND g.since <= clock_timestamp()) THEN
      RETURN NULL;
    END IF;
  ELSIF NOT EXISTS (SELECT 1 FROM registry_user u WHERE u.id = OLD.user_id AND u.is_active) THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM cardinal_administrators()) THEN
    RAISE EXCEPTION 'this is the last administrator' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER last_administrator AFTER UPDATE ON registry_user FOR EACH ROW
  WHEN (OLD.is_active AND NOT NEW.is_active OR OLD.is_superuser AND NOT NEW.is_superuser)
  EXECUTE FUNCTION cardinal_last_administrator();
CREATE TRIGGER last_administrator_gone AFTER DELETE ON registry_user FOR EACH ROW
  WHEN (OLD.is_active AND OLD.is_superuser) EXECUTE FUNCTION cardinal_last_administrator();
CREATE TRIGGER last_administrator AFTER UPDATE ON registry_rolegrant FOR EACH ROW
  WHEN (OLD.role = 'admin' AND OLD.until IS NULL AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
  EXECUTE FUNCTION cardinal_last_administrator();
ALTER TABLE registry_user ENABLE ALWAYS TRIGGER last_administrator;
ALTER TABLE registry_user ENABLE ALWAYS TRIGGER last_administrator_gone;
ALTER TABLE registry_rolegrant ENABLE ALWAYS TRIGGER last_administrator;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0091_teams")]

    operations = [
        migrations.RunSQL(
            LAST,
            "DROP TRIGGER last_administrator ON registry_user; DROP TRIGGER last_administrator_gone ON registry_user;"
            "DROP TRIGGER last_administrator ON registry_rolegrant; DROP FUNCTION cardinal_last_administrator();"
            "DROP FUNCTION cardinal_administrators();",
        ),
    ]
