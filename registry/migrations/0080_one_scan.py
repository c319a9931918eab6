"""Search walks its index once for all kinds of objects, and looks for phrases only where their words can be.

A phrase is not in the index: each row that has its words is unpacked to see whether they follow one another, which is
dear for whole documents. So words come first, and phrases are looked for among what is left.
"""

from django.db import migrations

ONE_SCAN = """
-- What fits, whose own row or whose document's it is. By the GIN index always: to look at each row would unpack each
-- vector, which the planner does not count.
CREATE FUNCTION search_rows(wanted tsquery) RETURNS TABLE (
  model_id bigint, system_id bigint, dataset_id bigint, document_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE SET enable_seqscan = off AS $$
  SELECT coalesce(r.model_id, r.card_of_id), r.system_id, coalesce(r.dataset_id, r.sheet_of_id), r.document_id
  FROM registry_searchrow r WHERE r.vector @@ $1
$$;

-- The same for one kind, among the objects with these keys. OFFSET 0: by their keys, and not by the GIN index, which
-- would unpack whatever has the words.
CREATE FUNCTION search_among(kind text, wanted tsquery, keys bigint[]) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE SET enable_seqscan = off AS $$
BEGIN
  IF kind = 'model' THEN RETURN QUERY
    SELECT r.key FROM (SELECT r.model_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.model_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted
    UNION ALL
    SELECT r.key FROM (SELECT r.card_of_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.card_of_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted;
  ELSIF kind = 'dataset' THEN RETURN QUERY
    SELECT r.key FROM (SELECT r.dataset_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.dataset_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted
    UNION ALL
    SELECT r.key FROM (SELECT r.sheet_of_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.sheet_of_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted;
  ELSIF kind = 'system' THEN RETURN QUERY
    SELECT r.key FROM (SELECT r.system_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.system_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted;
  ELSE RETURN QUERY
    SELECT r.key FROM (SELECT r.document_id AS key, r.vector FROM registry_searchrow r
                         WHERE r.document_id = ANY(keys) OFFSET 0) r WHERE r.vector @@ wanted;
  END IF;
END $$;

DROP FUNCTION search_found(text, tsquery);
"""

ONE_SCAN_BACK = """
CREATE FUNCTION search_found(kind text, wanted tsquery) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE
SET enable_seqscan = off AS $$
  SELECT found.id FROM (
    SELECT CASE $1 WHEN 'model' THEN coalesce(r.model_id, r.card_of_id)
                   WHEN 'dataset' THEN coalesce(r.dataset_id, r.sheet_of_id)
                   WHEN 'system' THEN r.system_id ELSE r.document_id END AS id
    FROM registry_searchrow r WHERE r.vector @@ $2) found
  WHERE found.id IS NOT NULL
$$;
DROP FUNCTION search_among(text, tsquery, bigint[]);
DROP FUNCTION search_rows(tsquery);
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0070_speed")]

    operations = [migrations.RunSQL(ONE_SCAN, ONE_SCAN_BACK)]
