"""A token reaches the models that it was issued with, and no others, whoever asks."""

from django.db import migrations

# The row remembers the transaction that made it: only that one may say which models the token reaches.
REACH = """
ALTER TABLE governance_token ADD COLUMN issued_in xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE FUNCTION cardinal_token_reach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' OR NOT EXISTS (
       SELECT 1 FROM governance_token WHERE id = NEW.token_id AND issued_in = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'a token reaches the models it was issued for, and no others' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER token_reach BEFORE INSERT OR UPDATE OR DELETE ON governance_token_models
  FOR EACH ROW EXECUTE FUNCTION cardinal_token_reach();
ALTER TABLE governance_token_models ENABLE ALWAYS TRIGGER token_reach;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_guards")]

    operations = [
        migrations.RunSQL(
            REACH,
            "DROP TRIGGER token_reach ON governance_token_models; DROP FUNCTION cardinal_token_reach();"
            "ALTER TABLE governance_token DROP COLUMN issued_in;",
        ),
    ]
