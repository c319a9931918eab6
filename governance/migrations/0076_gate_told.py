"""What changes is told to every gate by the database, so that it counts whichever door made the change."""

from django.db import migrations

# `kind` is token, user, model or all; `id` says which, and is empty for all.
TELL = """
CREATE FUNCTION cardinal_tell_gate(kind text, id text DEFAULT '') RETURNS void LANGUAGE sql AS $$
  SELECT pg_notify('cardinal_gate', kind || ':' || id)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0075_administrators_in_order"), ("registry", "0097_phrases")]

    operations = [migrations.RunSQL(TELL, "DROP FUNCTION cardinal_tell_gate(text, text);")]
