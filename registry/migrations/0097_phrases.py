"""Which word follows which stands in the index, so that a phrase is found there and not in the text of every document
that has its words.

Beside each word a vector holds, without a position, a mark for each two that follow one another. A mark that two pairs share
costs one more look and is no hit: a phrase is still looked for in what the marks leave. A sign between what is joined keeps
a phrase from spanning two texts.
"""

from django.db import migrations

PAIRS = """
-- No word begins with "~": it is a gap. The distance belongs to it: "right to erasure" is not "right erasure".
CREATE FUNCTION search_marks(words tsvector) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT '~' || left(md5(p.lexeme || ' ' || p.distance || ' ' || p.following), 8)), '{}')
  FROM (SELECT w.lexeme, lead(w.lexeme) OVER run AS following, lead(place) OVER run - place AS distance
        FROM unnest(words) w, unnest(w.positions) place WINDOW run AS (ORDER BY place)) p
  WHERE p.distance > 0
$$;

CREATE OR REPLACE FUNCTION search_text(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT stems || $q$'~':1$q$::tsvector || written || $q$'~':1$q$::tsvector
         || array_to_tsvector(search_marks(stems) || search_marks(written))
  FROM (SELECT to_tsvector('pg_catalog.english', words) AS stems,
               to_tsvector('pg_catalog.simple', words || CASE WHEN humps = words THEN '' ELSE ' ' || humps END) AS written
        FROM (SELECT words, search_humps(words) AS humps FROM (SELECT search_words(given) AS words) w) h) v
$$;

-- What holds of a vector wherever the phrase is found: its marks, as written or by stems. Of stems only one may be left.
CREATE FUNCTION search_phrase(phrase text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT search_all_of(search_marks(to_tsvector('pg_catalog.simple', phrase)))
         || CASE WHEN cardinality(marks) > 0 THEN search_all_of(marks) ELSE plainto_tsquery('pg_catalog.english', phrase) END
  FROM (SELECT search_marks(to_tsvector('pg_catalog.english', phrase)) AS marks) m
$$;
"""

ALL_OF = """
CREATE FUNCTION search_all_of(marks text[]) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(string_agg(quote_literal(one), ' & '), '')::tsquery FROM unnest(marks) one
$$;
"""

PAIRS_BACK = """
CREATE OR REPLACE FUNCTION search_text(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('pg_catalog.english', words)
         || to_tsvector('pg_catalog.simple', words || CASE WHEN humps = words THEN '' ELSE ' ' || humps END)
  FROM (SELECT words, search_humps(words) AS humps FROM (SELECT search_words(given) AS words) w) h
$$;
DROP FUNCTION search_phrase(text);
DROP FUNCTION search_marks(tsvector);
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0096_readings")]

    operations = [
        migrations.RunSQL(ALL_OF, "DROP FUNCTION search_all_of(text[]);"),
        migrations.RunSQL(PAIRS, PAIRS_BACK),
        migrations.RunSQL("SELECT search_rebuild();", "SELECT search_rebuild();"),
    ]
