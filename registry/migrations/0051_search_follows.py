"""The index of search follows the facts: triggers write it in the transaction of whatever changed, by whichever door.

Three steps. Words: text is cut into words the same way here and in `registry/search`. Facts: what a row of the index
says about each object, from the tables alone, so that a rebuild equals what the triggers wrote. Follow: for each table,
which objects a statement has touched; statements and not rows, so that a sync of a thousand models costs one pass.
"""

from django.db import migrations

WORDS = r"""
-- Every sign of ASCII that is neither letter nor digit, and typographic ones, is a gap between words.
CREATE FUNCTION search_words(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(given, '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g')
$$;

-- "HTTPServer", "creditScorer" and "model2Vec" as the words in them.
CREATE FUNCTION search_humps(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(regexp_replace(words, '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'),
                        '([[:upper:]])([[:upper:]][[:lower:]])', '\1 \2', 'g')
$$;

-- A name in the forms that people type: its words, the words in camelCase, without gaps, numbers without leading zeros.
CREATE FUNCTION search_forms(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT words || ' ' || search_humps(words) || ' ' || replace(words, ' ', '') || ' '
         || regexp_replace(words, '\m0+([0-9])', '\1', 'g')
  FROM (SELECT search_words(name) AS words) w
$$;

-- Both as written and by its stems: names are found by what stands there, prose by what it says.
CREATE FUNCTION search_text(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('pg_catalog.english', words)
         || to_tsvector('pg_catalog.simple', words || CASE WHEN humps = words THEN '' ELSE ' ' || humps END)
  FROM (SELECT words, search_humps(words) AS humps FROM (SELECT search_words(given) AS words) w) h
$$;

-- Pieces are [weight, label, text]. A text that is too rich for a tsvector (1 MB) is still found by its name: what is
-- saved must never fail because of search.
CREATE FUNCTION search_vector(pieces jsonb) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE a text; b text; c text; d text;
BEGIN
  SELECT coalesce(left(string_agg(search_forms(left(p ->> 2, 2000)), ' ') FILTER (WHERE p ->> 0 = 'A'), 20000), ''),
         coalesce(left(string_agg(p ->> 2, ' ') FILTER (WHERE p ->> 0 = 'B'), 50000), ''),
         coalesce(left(string_agg(p ->> 2, ' ') FILTER (WHERE p ->> 0 = 'C'), 100000), ''),
         coalesce(left(string_agg(p ->> 2, ' ') FILTER (WHERE p ->> 0 = 'D'), 20000), '')
    INTO a, b, c, d FROM jsonb_array_elements(pieces) p;
  RETURN setweight(search_text(a), 'A') || setweight(search_text(b), 'B')
      || setweight(search_text(c), 'C') || setweight(search_text(d), 'D');
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN setweight(to_tsvector('pg_catalog.simple', left(a, 2000)), 'A');
END $$;
"""

WORDS_BACK = """
DROP FUNCTION search_vector(jsonb);
DROP FUNCTION search_text(text);
DROP FUNCTION search_forms(text);
DROP FUNCTION search_humps(text);
DROP FUNCTION search_words(text);
"""

# Of a model with very many versions, the latest fifty speak: one more version must not cost more the longer it lives.
MODELS = """
-- What pages offer to filter by: the first words that fit into an index together.
CREATE FUNCTION search_offered(teams text[], flavours text[], aliases text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(word ORDER BY place) FILTER (WHERE total <= 2000), '{}')
  FROM (SELECT word, place, sum(octet_length(word) + 8) OVER (ORDER BY place) AS total
        FROM (SELECT 'team:' || one, row_number() OVER () FROM unnest(teams) one
              UNION ALL SELECT 'flavour:' || one, 10000 + row_number() OVER () FROM unnest(flavours) one
              UNION ALL SELECT 'alias:' || one, 20000 + row_number() OVER () FROM unnest(aliases) one) w (word, place)) o
$$;

CREATE FUNCTION search_model_facts(ids bigint[]) RETURNS TABLE (
  model_id bigint, name text, pieces jsonb, teams text[], flavours text[], aliases text[], offered text[],
  changed_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT m.id, m.name::text,
    jsonb_build_array(jsonb_build_array('A', 'name', m.name), jsonb_build_array('A', 'slug', m.slug))
      || CASE WHEN m.description = '' THEN '[]'
              ELSE jsonb_build_array(jsonb_build_array('B', 'description', left(m.description, 20000))) END
      || alias.pieces || tag.pieces || version.pieces || person.pieces || used.pieces || data.pieces,
    team.names, flavour.names, alias.names, search_offered(team.names, flavour.names, alias.names), greatest(m.created_at, version.newest, card.newest)
  FROM registry_model m
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('A', 'alias', a.name) ORDER BY a.name COLLATE "C"), '[]') AS pieces,
           coalesce(array_agg(a.name::text ORDER BY a.name COLLATE "C"), '{}') AS names
    FROM registry_alias a WHERE a.model_id = m.id) alias
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('B', 'tag', left(t.key || ' ' || t.value, 2000))
                              ORDER BY t.key COLLATE "C"), '[]') AS pieces
    FROM jsonb_each_text(search_object(m.tags)) t) tag
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('B', 'version ' || v.number, left(v.description || v.told, 2000))
                              ORDER BY v.number DESC) FILTER (WHERE v.description || v.told <> ''), '[]') AS pieces,
           (SELECT max(every.registered_at) FROM registry_version every WHERE every.model_id = m.id) AS newest
    FROM (SELECT l.number, l.description,
                 coalesce((SELECT ' ' || string_agg(t.key || ' ' || t.value, ' ' ORDER BY t.key COLLATE "C")
                           FROM jsonb_each_text(search_object(l.tags)) t), '') AS told
          FROM registry_version l WHERE l.model_id = m.id ORDER BY l.number DESC LIMIT 50) v) version
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('B', 'trained by', p.name) ORDER BY p.name COLLATE "C"), '[]') AS pieces
    FROM (SELECT DISTINCT r.user_name AS name
          FROM (SELECT l.run_id FROM registry_version l WHERE l.model_id = m.id ORDER BY l.number DESC LIMIT 50) l
          JOIN registry_run r ON r.id = l.run_id WHERE r.user_name <> '') p) person
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('D', 'system', s.name) ORDER BY s.id), '[]') AS pieces
    FROM registry_system_models u JOIN registry_system s ON s.id = u.system_id WHERE u.model_id = m.id) used
  CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_array('D', 'dataset', d.name) ORDER BY d.name COLLATE "C"), '[]') AS pieces
    FROM (SELECT DISTINCT d.name
          FROM (SELECT l.run_id FROM registry_version l WHERE l.model_id = m.id ORDER BY l.number DESC LIMIT 50) l
          JOIN registry_runinput i ON i.run_id = l.run_id
          JOIN registry_datasetsnapshot n ON n.id = i.snapshot_id
          JOIN registry_dataset d ON d.id = n.dataset_id) d) data
  CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT left(btrim(one), 100)) FILTER (WHERE btrim(one) <> ''), '{}') AS names
    FROM (SELECT m.tags UNION ALL (SELECT l.tags FROM registry_version l WHERE l.model_id = m.id
                                   ORDER BY l.number DESC LIMIT 50)) g
    CROSS JOIN LATERAL jsonb_each_text(search_object(g.tags)) t
    CROSS JOIN LATERAL regexp_split_to_table(t.value, ',') one WHERE lower(t.key) IN ('team', 'teams')) team
  CROSS JOIN LATERAL (
    SELECT CASE WHEN count(*) > 1 THEN array_remove(array_agg(f.name ORDER BY f.name COLLATE "C"), 'python_function')
                ELSE coalesce(array_agg(f.name), '{}') END AS names
    FROM (SELECT DISTINCT left(k, 100) AS name
          FROM (SELECT l.model_file FROM registry_version l WHERE l.model_id = m.id ORDER BY l.number DESC LIMIT 50) l
          CROSS JOIN LATERAL jsonb_object_keys(search_object(search_object(l.model_file) -> 'flavors')) k) f) flavour
  CROSS JOIN LATERAL (
    SELECT max(h.created_at) AS newest FROM registry_version v JOIN registry_document d ON d.version_id = v.id
    JOIN registry_revision h ON h.id = d.head_id WHERE v.model_id = m.id) card
  WHERE m.id = ANY(ids)
$$;
"""

OTHERS = """
CREATE FUNCTION search_object(given jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(given) = 'object' THEN given ELSE '{}' END
$$;

-- The text of a revision. Bytes that are no JSON, or hold what jsonb cannot, have none.
CREATE FUNCTION search_document_text(body bytea) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT left(coalesce(string_agg(v #>> '{}', ' '), ''), 100000)
    FROM jsonb_path_query(search_object(convert_from(body, 'UTF8')::jsonb) - 'schema' - 'unaccepted',
                          'strict $.** ? (@.type() == "string")') v);
EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
  RETURN '';
END $$;

CREATE FUNCTION search_document_facts(ids bigint[]) RETURNS TABLE (
  kind text, document_id bigint, card_of_id bigint, sheet_of_id bigint, name text, pieces jsonb, changed_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT d.kind::text, d.id, v.model_id, d.dataset_id, about.name,
         jsonb_build_array(jsonb_build_array('A', 'name', about.name),
                           jsonb_build_array('C', 'text', search_document_text(h.body))), h.created_at
  FROM registry_document d
  JOIN registry_revision h ON h.id = d.head_id
  LEFT JOIN registry_version v ON v.id = d.version_id
  LEFT JOIN registry_model m ON m.id = v.model_id
  LEFT JOIN registry_dataset s ON s.id = d.dataset_id
  CROSS JOIN LATERAL (SELECT coalesce(m.name || ' v' || v.number, s.name)::text AS name) about
  WHERE d.id = ANY(ids)
$$;

CREATE FUNCTION search_dataset_facts(ids bigint[]) RETURNS TABLE (
  dataset_id bigint, name text, pieces jsonb, changed_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT s.id, s.name::text,
         jsonb_build_array(jsonb_build_array('A', 'name', s.name), jsonb_build_array('A', 'slug', s.slug)),
         greatest(s.first_seen_at, (SELECT max(h.created_at) FROM registry_document d
                                    JOIN registry_revision h ON h.id = d.head_id WHERE d.dataset_id = s.id))
  FROM registry_dataset s WHERE s.id = ANY(ids)
$$;

CREATE FUNCTION search_system_facts(ids bigint[]) RETURNS TABLE (
  system_id bigint, name text, pieces jsonb, changed_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT s.id, s.name::text,
         jsonb_build_array(
           jsonb_build_array('A', 'name', s.name), jsonb_build_array('A', 'slug', s.slug),
           jsonb_build_array('B', 'intended purpose', left(s.intended_purpose, 20000)),
           jsonb_build_array('B', 'role', s.operator_role),
           jsonb_build_array('B', 'registered by', btrim(concat_ws(' ', u.username, u.first_name, u.last_name)))),
         s.created_at
  FROM registry_system s JOIN registry_user u ON u.id = s.created_by_id WHERE s.id = ANY(ids)
$$;
"""

# Two transactions that change one object queue at its row, and the later one reads what the earlier one wrote: each
# statement of a function like these looks anew (READ COMMITTED).
INDEX = """
CREATE FUNCTION search_index_models(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM registry_searchrow r WHERE r.model_id = ANY(ids) ORDER BY r.id FOR UPDATE;
  DELETE FROM registry_searchrow r WHERE r.model_id = ANY(ids)
    AND NOT EXISTS (SELECT 1 FROM registry_model m WHERE m.id = r.model_id);
  INSERT INTO registry_searchrow (kind, model_id, name, pieces, vector, teams, flavours, aliases, offered, changed_at)
  SELECT 'model', f.model_id, f.name, f.pieces,
         CASE WHEN r.pieces = f.pieces THEN r.vector ELSE search_vector(f.pieces) END,
         f.teams, f.flavours, f.aliases, f.offered, f.changed_at
  FROM search_model_facts(ids) f LEFT JOIN registry_searchrow r ON r.model_id = f.model_id
  WHERE r.id IS NULL OR (f.name, f.pieces, f.teams, f.flavours, f.aliases, f.changed_at)
        IS DISTINCT FROM (r.name, r.pieces, r.teams, r.flavours, r.aliases, r.changed_at)
  ON CONFLICT (model_id) DO UPDATE SET name = excluded.name, pieces = excluded.pieces, vector = excluded.vector,
    teams = excluded.teams, flavours = excluded.flavours, aliases = excluded.aliases, offered = excluded.offered,
    changed_at = excluded.changed_at;
END $$;

CREATE FUNCTION search_index_documents(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM registry_searchrow r WHERE r.document_id = ANY(ids) ORDER BY r.id FOR UPDATE;
  DELETE FROM registry_searchrow r WHERE r.document_id = ANY(ids)
    AND NOT EXISTS (SELECT 1 FROM registry_document d WHERE d.id = r.document_id AND d.head_id IS NOT NULL);
  INSERT INTO registry_searchrow (kind, document_id, card_of_id, sheet_of_id, name, pieces, vector, teams, flavours,
                                  aliases, offered, changed_at)
  SELECT f.kind, f.document_id, f.card_of_id, f.sheet_of_id, f.name, '[]', search_vector(f.pieces), '{}', '{}', '{}', '{}',
         f.changed_at
  FROM search_document_facts(ids) f
  ON CONFLICT (document_id) DO UPDATE SET kind = excluded.kind, card_of_id = excluded.card_of_id,
    sheet_of_id = excluded.sheet_of_id, name = excluded.name, vector = excluded.vector, changed_at = excluded.changed_at;
END $$;

CREATE FUNCTION search_index_datasets(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM registry_searchrow r WHERE r.dataset_id = ANY(ids) ORDER BY r.id FOR UPDATE;
  DELETE FROM registry_searchrow r WHERE r.dataset_id = ANY(ids)
    AND NOT EXISTS (SELECT 1 FROM registry_dataset s WHERE s.id = r.dataset_id);
  INSERT INTO registry_searchrow (kind, dataset_id, name, pieces, vector, teams, flavours, aliases, offered, changed_at)
  SELECT 'dataset', f.dataset_id, f.name, f.pieces, search_vector(f.pieces), '{}', '{}', '{}', '{}', f.changed_at
  FROM search_dataset_facts(ids) f
  ON CONFLICT (dataset_id) DO UPDATE SET name = excluded.name, pieces = excluded.pieces, vector = excluded.vector,
    changed_at = excluded.changed_at;
END $$;

CREATE FUNCTION search_index_systems(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM registry_searchrow r WHERE r.system_id = ANY(ids) ORDER BY r.id FOR UPDATE;
  DELETE FROM registry_searchrow r WHERE r.system_id = ANY(ids)
    AND NOT EXISTS (SELECT 1 FROM registry_system s WHERE s.id = r.system_id);
  INSERT INTO registry_searchrow (kind, system_id, name, pieces, vector, teams, flavours, aliases, offered, changed_at)
  SELECT 'system', f.system_id, f.name, f.pieces, search_vector(f.pieces), '{}', '{}', '{}', '{}', f.changed_at
  FROM search_system_facts(ids) f
  ON CONFLICT (system_id) DO UPDATE SET name = excluded.name, pieces = excluded.pieces, vector = excluded.vector,
    changed_at = excluded.changed_at;
END $$;

-- The objects of a kind whose own row, or a document's, fits. By the GIN index always: to look at each row would unpack
-- each vector, which the planner does not count.
CREATE FUNCTION search_found(kind text, wanted tsquery) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE
SET enable_seqscan = off AS $$
  SELECT found.id FROM (
    SELECT CASE $1 WHEN 'model' THEN coalesce(r.model_id, r.card_of_id)
                   WHEN 'dataset' THEN coalesce(r.dataset_id, r.sheet_of_id)
                   WHEN 'system' THEN r.system_id ELSE r.document_id END AS id
    FROM registry_searchrow r WHERE r.vector @@ $2) found
  WHERE found.id IS NOT NULL
$$;

CREATE FUNCTION search_everything(kind text) RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE $1 WHEN 'model' THEN r.model_id WHEN 'dataset' THEN r.dataset_id
                 WHEN 'system' THEN r.system_id ELSE r.document_id END
  FROM registry_searchrow r WHERE r.kind = $1 OR ($1 = 'document' AND r.document_id IS NOT NULL)
$$;

-- Everything anew, from the facts alone.
CREATE FUNCTION search_rebuild() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM registry_searchrow;
  PERFORM search_index_models(array_agg(id)) FROM registry_model;
  PERFORM search_index_systems(array_agg(id)) FROM registry_system;
  PERFORM search_index_datasets(array_agg(id)) FROM registry_dataset;
  PERFORM search_index_documents(array_agg(id)) FROM registry_document;
END $$;

-- A trigger says which rows it is about by a query over the rows that its statement has left (fresh) or found (stale).
CREATE FUNCTION search_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
  EXECUTE 'SELECT array_agg(DISTINCT one) FROM (' || TG_ARGV[1] || ') touched (one) WHERE one IS NOT NULL' INTO ids;
  IF ids IS NOT NULL THEN
    EXECUTE format('SELECT %I($1)', 'search_index_' || TG_ARGV[0]) USING ids;
  END IF;
  RETURN NULL;
END $$;
"""

OTHERS_BACK = """
DROP FUNCTION search_system_facts(bigint[]);
DROP FUNCTION search_dataset_facts(bigint[]);
DROP FUNCTION search_document_facts(bigint[]);
DROP FUNCTION search_document_text(bytea);
DROP FUNCTION search_object(jsonb);
"""
INDEX_BACK = """
DROP FUNCTION search_follow();
DROP FUNCTION search_rebuild();
DROP FUNCTION search_everything(text);
DROP FUNCTION search_found(text, tsquery);
DROP FUNCTION search_index_systems(bigint[]);
DROP FUNCTION search_index_datasets(bigint[]);
DROP FUNCTION search_index_documents(bigint[]);
DROP FUNCTION search_index_models(bigint[]);
"""


def changed(*columns: str, then: str = "fresh.id", join: str = "") -> str:
    """The rows of an UPDATE in which one of `columns` is another than before; what `then` names of them."""
    fresh, stale = (", ".join(f"{side}.{column}" for column in columns) for side in ("fresh", "stale"))
    return (
        f"SELECT {then} FROM fresh JOIN stale ON stale.id = fresh.id {join} "
        f"WHERE ROW({fresh}) IS DISTINCT FROM ROW({stale})"
    )


CARDS = "JOIN registry_version v ON v.model_id = fresh.id JOIN registry_document d ON d.version_id = v.id"
USERS_OF_DATA = (
    "JOIN registry_datasetsnapshot n ON n.dataset_id = fresh.id JOIN registry_runinput i ON i.snapshot_id = n.id "
    "JOIN registry_version v ON v.run_id = i.run_id"
)
BOTH = "SELECT model_id FROM fresh UNION SELECT model_id FROM stale"
OF_DOCUMENT = "SELECT v.model_id FROM {rows} d JOIN registry_version v ON v.id = d.version_id"
OF_INPUT = "SELECT v.model_id FROM {rows} i JOIN registry_version v ON v.run_id = i.run_id"

# (table, what is done to it, which part of the index follows, of which rows)
FOLLOWED = [
    ("registry_model", "INSERT", "models", "SELECT id FROM fresh"),
    ("registry_model", "UPDATE", "models", changed("name", "slug", "description", "tags", "created_at")),
    ("registry_model", "UPDATE", "documents", changed("name", then="d.id", join=CARDS)),
    ("registry_model", "DELETE", "models", "SELECT id FROM stale"),
    ("registry_version", "INSERT", "models", "SELECT model_id FROM fresh"),
    (
        "registry_version", "UPDATE", "models",
        f"SELECT model_id FROM ({BOTH}) b WHERE EXISTS ("
        + changed("model_id", "number", "description", "tags", "model_file", "run_id", "registered_at")
        + " AND b.model_id IN (fresh.model_id, stale.model_id))",
    ),
    (
        "registry_version", "UPDATE", "documents",
        changed("model_id", "number", then="d.id", join="JOIN registry_document d ON d.version_id = fresh.id"),
    ),
    ("registry_version", "DELETE", "models", "SELECT model_id FROM stale"),
    ("registry_alias", "INSERT", "models", "SELECT model_id FROM fresh"),
    ("registry_alias", "UPDATE", "models", BOTH),
    ("registry_alias", "DELETE", "models", "SELECT model_id FROM stale"),
    (
        "registry_run", "UPDATE", "models",
        changed("user_name", then="v.model_id", join="JOIN registry_version v ON v.run_id = fresh.id"),
    ),
    ("registry_runinput", "INSERT", "models", OF_INPUT.format(rows="fresh")),
    ("registry_runinput", "UPDATE", "models", OF_INPUT.format(rows="(TABLE fresh UNION TABLE stale)")),
    ("registry_runinput", "DELETE", "models", OF_INPUT.format(rows="stale")),
    ("registry_datasetsnapshot", "UPDATE", "models", changed(
        "dataset_id", then="v.model_id",
        join="JOIN registry_runinput i ON i.snapshot_id = fresh.id JOIN registry_version v ON v.run_id = i.run_id")),
    ("registry_dataset", "INSERT", "datasets", "SELECT id FROM fresh"),
    ("registry_dataset", "UPDATE", "datasets", changed("name", "slug", "first_seen_at")),
    ("registry_dataset", "UPDATE", "models", changed("name", then="v.model_id", join=USERS_OF_DATA)),
    (
        "registry_dataset", "UPDATE", "documents",
        changed("name", then="d.id", join="JOIN registry_document d ON d.dataset_id = fresh.id"),
    ),
    ("registry_dataset", "DELETE", "datasets", "SELECT id FROM stale"),
    ("registry_system", "INSERT", "systems", "SELECT id FROM fresh"),
    (
        "registry_system", "UPDATE", "systems",
        changed("name", "slug", "intended_purpose", "operator_role", "created_by_id", "created_at"),
    ),
    (
        "registry_system", "UPDATE", "models",
        changed("name", then="u.model_id", join="JOIN registry_system_models u ON u.system_id = fresh.id"),
    ),
    ("registry_system", "DELETE", "systems", "SELECT id FROM stale"),
    ("registry_system_models", "INSERT", "models", "SELECT model_id FROM fresh"),
    ("registry_system_models", "UPDATE", "models", BOTH),
    ("registry_system_models", "DELETE", "models", "SELECT model_id FROM stale"),
    (
        "registry_user", "UPDATE", "systems",
        changed("username", "first_name", "last_name", then="s.id",
                join="JOIN registry_system s ON s.created_by_id = fresh.id"),
    ),
]  # fmt: skip
for event, rows in (("INSERT", "fresh"), ("UPDATE", "fresh"), ("DELETE", "stale")):
    FOLLOWED += [
        ("registry_document", event, "documents", f"SELECT id FROM {rows}"),
        ("registry_document", event, "models", OF_DOCUMENT.format(rows=rows)),
        ("registry_document", event, "datasets", f"SELECT dataset_id FROM {rows}"),
    ]

REFERENCING = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh",
    "DELETE": "OLD TABLE AS stale",
}


def follow(table: str, event: str, part: str, touched: str) -> migrations.RunSQL:
    """After `event` on `table`, the rows of the index that `touched` selects are written again."""
    name = f"search_{part}_{event.lower()}"
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {REFERENCING[event]} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION search_follow('{part}', $q${touched}$q$);",
        f"DROP TRIGGER {name} ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("registry", "0050_search")]

    operations = [
        migrations.RunSQL(WORDS, WORDS_BACK),
        migrations.RunSQL(OTHERS, OTHERS_BACK),
        migrations.RunSQL(
            MODELS,
            "DROP FUNCTION search_model_facts(bigint[]); DROP FUNCTION search_offered(text[], text[], text[]);",
        ),
        migrations.RunSQL(INDEX, INDEX_BACK),
        *(follow(*one) for one in FOLLOWED),
        migrations.RunSQL("SELECT search_rebuild();", migrations.RunSQL.noop),
    ]
