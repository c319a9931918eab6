"""Decisions lie in partitions by month: an index stays as large as a month, and old months can be set aside whole.

What was decided before lies in one partition, up to the end of the month of this migration. Partitions are made ahead by
`cardinal_decision_partitions`; what falls into none of them goes to `governance_decision_rest`, so that no decision is ever
refused for want of a place.
"""

from django.db import migrations

PARTITIONED = """
ALTER TABLE governance_decision RENAME TO governance_decision_before;
ALTER TABLE governance_decision_before DROP CONSTRAINT governance_decision_pkey;
DROP INDEX decision_newest, decision_of_model, decision_of_token;
DROP TRIGGER refuse_change ON governance_decision_before;
DROP TRIGGER refuse_truncate ON governance_decision_before;
DO $$
DECLARE of_batch text;
BEGIN
  SELECT indexname INTO of_batch FROM pg_indexes
  WHERE tablename = 'governance_decision_before' AND indexdef LIKE '%(batch_id)';
  EXECUTE format('DROP INDEX %I', of_batch);
END $$;
CREATE TABLE governance_decision (LIKE governance_decision_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (decided_at);
ALTER TABLE governance_decision ADD CONSTRAINT governance_decision_pkey PRIMARY KEY (id, decided_at);
CREATE INDEX decision_newest ON governance_decision (decided_at DESC, id);
CREATE INDEX decision_of_model ON governance_decision (model, decided_at DESC);
CREATE INDEX decision_of_token ON governance_decision (token, decided_at DESC);
CREATE INDEX decision_of_batch ON governance_decision (batch_id);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON governance_decision
  FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_decision ENABLE ALWAYS TRIGGER refuse_change;
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON governance_decision
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_decision ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE FUNCTION cardinal_decision_guard(part text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change()', part);
  EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER refuse_truncate', part);
  EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER refuse_change', part);
END $$;

-- Made beside the table and then attached: that waits for nobody who writes decisions, and nobody waits for it.
CREATE FUNCTION cardinal_decision_partitions(ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  first timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  starts timestamptz; ends timestamptz; part text; made int := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('cardinal_decision_partitions'));
  FOR n IN 0..ahead LOOP
    starts := ((first AT TIME ZONE 'UTC') + make_interval(months => n)) AT TIME ZONE 'UTC';
    ends := ((first AT TIME ZONE 'UTC') + make_interval(months => n + 1)) AT TIME ZONE 'UTC';
    part := 'governance_decision_' || to_char(starts AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
    CONTINUE WHEN to_regclass(part) IS NOT NULL
      OR EXISTS (SELECT 1 FROM pg_class WHERE relname = 'governance_decision_before'
                 AND starts < (SELECT upto FROM cardinal_decision_before()))
      OR EXISTS (SELECT 1 FROM governance_decision_rest r WHERE r.decided_at >= starts AND r.decided_at < ends);
    EXECUTE format('CREATE TABLE %I (LIKE governance_decision INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    EXECUTE format('ALTER TABLE governance_decision ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, starts, ends);
    PERFORM cardinal_decision_guard(part);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;

DO $$
DECLARE
  upto timestamptz := ((date_trunc('month', now() AT TIME ZONE 'UTC')) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  EXECUTE format('CREATE FUNCTION cardinal_decision_before() RETURNS TABLE (upto timestamptz) LANGUAGE sql IMMUTABLE '
                 'AS $body$ SELECT %L::timestamptz $body$', upto);
  EXECUTE format('ALTER TABLE governance_decision ATTACH PARTITION governance_decision_before FOR VALUES FROM (MINVALUE) TO (%L)', upto);
END $$;
CREATE TABLE governance_decision_rest (LIKE governance_decision INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE governance_decision ATTACH PARTITION governance_decision_rest DEFAULT;
SELECT cardinal_decision_guard('governance_decision_before');
SELECT cardinal_decision_guard('governance_decision_rest');
SELECT cardinal_decision_partitions(3);
"""

WHOLE = """
CREATE TABLE governance_decision_whole (LIKE governance_decision INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO governance_decision_whole SELECT * FROM governance_decision;
DROP TABLE governance_decision;
ALTER TABLE governance_decision_whole RENAME TO governance_decision;
ALTER TABLE governance_decision ADD CONSTRAINT governance_decision_pkey PRIMARY KEY (id);
CREATE INDEX decision_newest ON governance_decision (decided_at DESC, id);
CREATE INDEX decision_of_model ON governance_decision (model, decided_at DESC);
CREATE INDEX decision_of_token ON governance_decision (token, decided_at DESC);
CREATE INDEX governance_decision_batch_id_0ac5d41f ON governance_decision (batch_id);
DROP FUNCTION cardinal_decision_partitions(int);
DROP FUNCTION cardinal_decision_guard(text);
DROP FUNCTION cardinal_decision_before();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON governance_decision
  FOR EACH ROW EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_decision ENABLE ALWAYS TRIGGER refuse_change;
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON governance_decision
  FOR EACH STATEMENT EXECUTE FUNCTION cardinal_refuse_change();
ALTER TABLE governance_decision ENABLE ALWAYS TRIGGER refuse_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0077_gate_hears")]

    operations = [migrations.RunSQL(PARTITIONED, WHOLE)]
