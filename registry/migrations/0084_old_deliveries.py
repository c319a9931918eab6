"""Deliveries are never changed, and deleted only when they are old: the database itself keeps each for thirty days."""

from django.db import migrations

KEPT = """
DROP TRIGGER refuse_change ON registry_delivery;
CREATE TRIGGER refuse_change BEFORE UPDATE ON registry_delivery
  FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
CREATE TRIGGER keep_recent BEFORE DELETE ON registry_delivery
  FOR EACH ROW WHEN (OLD.received_at > now() - interval '30 days') EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_delivery ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE registry_delivery ENABLE ALWAYS TRIGGER keep_recent;
"""
KEPT_BACK = """
DROP TRIGGER keep_recent ON registry_delivery;
DROP TRIGGER refuse_change ON registry_delivery;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON registry_delivery
  FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE registry_delivery ENABLE ALWAYS TRIGGER refuse_change;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0083_authorities")]

    operations = [migrations.RunSQL(KEPT, KEPT_BACK)]
