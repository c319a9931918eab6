"""Whoever may be about to take an administrator away waits before a row is locked, and not after: nobody waits for each other."""

from django.db import migrations

# The same lock as that of `cardinal_administrators` (registry 0092), which is taken when a row is changed already. Two who
# change the rows of two administrators one after the other, each in another order, then waited one for the row and the
# other for the lock. A statement that names one of these columns is rare: nobody waits for a sign-in.
ORDER = """
CREATE FUNCTION cardinal_administrators_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('cardinal.administrators'));
  RETURN NULL;
END $$;
CREATE TRIGGER administrators_in_order BEFORE UPDATE OF is_active, is_superuser OR DELETE ON registry_user
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_administrators_in_order();
CREATE TRIGGER administrators_in_order BEFORE UPDATE OF ended_at ON registry_rolegrant
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_administrators_in_order();
ALTER TABLE registry_user ENABLE ALWAYS TRIGGER administrators_in_order;
ALTER TABLE registry_rolegrant ENABLE ALWAYS TRIGGER administrators_in_order;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0071_told"), ("registry", "0096_readings")]

    operations = [
        migrations.RunSQL(
            ORDER,
            "DROP TRIGGER administrators_in_order ON registry_user;"
            "DROP TRIGGER administrators_in_order ON registry_rolegrant;"
            "DROP FUNCTION cardinal_administrators_in_order();",
        ),
    ]
