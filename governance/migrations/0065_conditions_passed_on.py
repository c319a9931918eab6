"""A condition passes to another owner when its own is switched off, and in no other case."""

from importlib import import_module

from django.db import migrations

before = import_module("governance.migrations.0041_review_guards")
FUNCTION = before.CONDITION.partition("CREATE TRIGGER")[0].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
FIXED = """(NEW.id, NEW.judgement_id, NEW.review_id, NEW.text, NEW.owner_id)
     IS DISTINCT FROM (OLD.id, OLD.judgement_id, OLD.review_id, OLD.text, OLD.owner_id) THEN"""
PASSED_ON = """(NEW.id, NEW.judgement_id, NEW.review_id, NEW.text)
     IS DISTINCT FROM (OLD.id, OLD.judgement_id, OLD.review_id, OLD.text) OR NEW.owner_id <> OLD.owner_id AND
     (EXISTS (SELECT 1 FROM registry_user WHERE id = OLD.owner_id AND is_active) OR
      NOT EXISTS (SELECT 1 FROM registry_user WHERE id = NEW.owner_id AND is_active AND kind = 'person')) THEN"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0056_notices_guards"), ("registry", "0092_last_administrator")]

    operations = [migrations.RunSQL(FUNCTION.replace(FIXED, PASSED_ON), FUNCTION)]
