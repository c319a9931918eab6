"""Threads and comments: what was said stays as it was said, and by whom; held by the database."""

from importlib import import_module

from django.db import migrations

TRUNCATE_GUARD = import_module("governance.migrations.0005_tighter_guards").TRUNCATE_GUARD

# The same as governance.permissions.may_comment: an active person with a role that may.
MAY = """
CREATE FUNCTION cardinal_may_comment(who bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM registry_user WHERE id = who AND is_active AND kind = 'person')
     AND EXISTS (
    SELECT 1 FROM registry_membership ug
    JOIN auth_group_permissions gp ON gp.group_id = ug.group_id JOIN auth_permission p ON p.id = gp.permission_id
    JOIN django_content_type c ON c.id = p.content_type_id
    WHERE ug.user_id = who AND p.codename = 'write_comment' AND c.app_label = 'governance')
$$;
"""

THREAD = """
CREATE FUNCTION cardinal_thread_course() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'what was said stays on record: a thread is resolved, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NOT EXISTS (SELECT 1 FROM registry_revision r WHERE r.id = NEW.revision_id AND r.document_id = NEW.document_id) THEN
      RAISE EXCEPTION 'a thread is about the document of its revision' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.resolved_at IS NOT NULL OR NEW.reopened_at IS NOT NULL THEN
      RAISE EXCEPTION 'a thread begins open' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT cardinal_may_comment(NEW.begun_by_id) THEN
      RAISE EXCEPTION 'a thread is begun by a person who may comment' USING ERRCODE = 'check_violation';
    END IF;
    NEW.begun_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.document_id, NEW.revision_id, NEW.path, NEW."row", NEW.begun_by_id, NEW.begun_at) IS DISTINCT FROM
     (OLD.id, OLD.document_id, OLD.revision_id, OLD.path, OLD."row", OLD.begun_by_id, OLD.begun_at) THEN
    RAISE EXCEPTION 'what a thread is about, and who began it, never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.resolved_at IS NULL AND NEW.resolved_at IS NOT NULL THEN
    IF NOT cardinal_may_comment(NEW.resolved_by_id) THEN
      RAISE EXCEPTION 'a thread is resolved by a person who may comment' USING ERRCODE = 'check_violation';
    END IF;
    NEW.resolved_at := clock_timestamp();
  ELSIF (NEW.resolved_at, NEW.resolved_by_id) IS DISTINCT FROM (OLD.resolved_at, OLD.resolved_by_id) THEN
    IF NEW.resolved_at IS NOT NULL OR NEW.reopened_at IS NULL OR NEW.reopened_at IS NOT DISTINCT FROM OLD.reopened_at
       OR NOT cardinal_may_comment(NEW.reopened_by_id) THEN
      RAISE EXCEPTION 'a resolved thread is reopened by a person who may comment' USING ERRCODE = 'check_violation';
    END IF;
    NEW.reopened_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF (NEW.reopened_at, NEW.reopened_by_id) IS DISTINCT FROM (OLD.reopened_at, OLD.reopened_by_id) THEN
    RAISE EXCEPTION 'only a resolved thread is reopened' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER thread_course BEFORE INSERT OR UPDATE OR DELETE ON governance_thread
  FOR EACH ROW EXECUTE FUNCTION cardinal_thread_course();
ALTER TABLE governance_thread ENABLE ALWAYS TRIGGER thread_course;
"""

# The thread is locked: a reply waits for whoever resolves it at the same moment, and is refused then.
COMMENT = """
CREATE FUNCTION cardinal_comment_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE settled timestamptz;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'what was said stays on record: a comment is withdrawn, never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    SELECT resolved_at INTO settled FROM governance_thread WHERE id = NEW.thread_id FOR UPDATE;
    IF settled IS NOT NULL THEN
      RAISE EXCEPTION 'this thread is resolved: reopen it to answer' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT cardinal_may_comment(NEW.by_id) THEN
      RAISE EXCEPTION 'a person who may comment writes a comment' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.withdrawn_at IS NOT NULL THEN
      RAISE EXCEPTION 'a comment is written before it is withdrawn' USING ERRCODE = 'check_violation';
    END IF;
    NEW.written_at := clock_timestamp();
    RETURN NEW;
  END IF;
  IF OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL OR
     (NEW.id, NEW.thread_id, NEW.text, NEW.by_id, NEW.written_at)
     IS DISTINCT FROM (OLD.id, OLD.thread_id, OLD.text, OLD.by_id, OLD.written_at) THEN
    RAISE EXCEPTION 'a comment never changes; it is withdrawn once' USING ERRCODE = 'restrict_violation';
  END IF;
  NEW.withdrawn_at := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER comment_course BEFORE INSERT OR UPDATE OR DELETE ON governance_comment
  FOR EACH ROW EXECUTE FUNCTION cardinal_comment_course();
ALTER TABLE governance_comment ENABLE ALWAYS TRIGGER comment_course;
"""

# At the end of the transaction: nobody begins a thread without a word of their own in it.
BEGUN = """
CREATE FUNCTION cardinal_thread_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM governance_comment WHERE thread_id = NEW.id AND by_id = NEW.begun_by_id) THEN
    RAISE EXCEPTION 'a thread begins with a comment of whoever begins it' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER thread_begun AFTER INSERT ON governance_thread DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION cardinal_thread_begun();
ALTER TABLE governance_thread ENABLE ALWAYS TRIGGER thread_begun;
"""

# Where the rule of a review asks for it: no approval while a thread is open on what is judged.
SETTLED = """
CREATE FUNCTION cardinal_threads_resolved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.outcome = 'approve' AND EXISTS (
       SELECT 1 FROM governance_review r JOIN registry_revision judged ON judged.id = r.revision_id
       JOIN governance_thread t ON t.document_id = r.document_id AND t.resolved_at IS NULL
       JOIN registry_revision begun ON begun.id = t.revision_id AND begun.number <= judged.number
       WHERE r.id = NEW.review_id AND (r.rule->>'threads_resolved')::boolean) THEN
    RAISE EXCEPTION 'under this rule nobody approves while a thread is open' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER threads_resolved BEFORE INSERT ON governance_judgement
  FOR EACH ROW EXECUTE FUNCTION cardinal_threads_resolved();
ALTER TABLE governance_judgement ENABLE ALWAYS TRIGGER threads_resolved;
"""


def dropped(table: str, trigger: str, function: str) -> str:
    """The statements that take a trigger and its function away."""
    return f"DROP TRIGGER {trigger} ON {table}; DROP FUNCTION {function}();"


class Migration(migrations.Migration):
    dependencies = [("governance", "0050_threads"), ("registry", "0090_roles")]

    operations = [
        migrations.RunSQL(MAY, "DROP FUNCTION cardinal_may_comment(bigint);"),
        migrations.RunSQL(THREAD, dropped("governance_thread", "thread_course", "cardinal_thread_course")),
        migrations.RunSQL(
            COMMENT, dropped("governance_comment", "comment_course", "cardinal_comment_course")
        ),
        migrations.RunSQL(BEGUN, dropped("governance_thread", "thread_begun", "cardinal_thread_begun")),
        migrations.RunSQL(
            SETTLED, dropped("governance_judgement", "threads_resolved", "cardinal_threads_resolved")
        ),
        *(
            migrations.RunSQL(TRUNCATE_GUARD.format(table=table), f"DROP TRIGGER refuse_truncate ON {table};")
            for table in ("governance_thread", "governance_comment")
        ),
    ]
