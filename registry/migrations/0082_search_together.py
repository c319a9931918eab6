"""A first read indexes each of its models once and not three times: when it, its versions and its aliases are all there."""

from django.db import migrations

# The setting lasts until the end of the transaction at most; `registry/search/index.py` sets it, and indexes at the end.
TOGETHER = """
CREATE OR REPLACE FUNCTION search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
  IF TG_OP = 'INSERT' AND TG_ARGV[0] = 'models' AND current_setting('cardinal.models_together', true) = 'on' THEN
    RETURN NULL;
  END IF;
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[1] || ') touched (one) WHERE one IS NOT NULL' INTO ids;
  IF ids IS NOT NULL THEN
    EXECUTE format('SELECT %I($1)', 'search_index_' || TG_ARGV[0]) USING ids;
  END IF;
  RETURN NULL;
END $$;
"""
TOGETHER_BACK = """
CREATE OR REPLACE FUNCTION search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[1] || ') touched (one) WHERE one IS NOT NULL' INTO ids;
  IF ids IS NOT NULL THEN
    EXECUTE format('SELECT %I($1)', 'search_index_' || TG_ARGV[0]) USING ids;
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0081_moved_sources")]

    operations = [migrations.RunSQL(TOGETHER, TOGETHER_BACK)]
