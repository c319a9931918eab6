"""Answers that were slow over ten thousand models.

The home page begins with the newest: it reads the first few of an index, not all there are. And a vector of the search
index lies in its row as it is: to unpack it was four fifths of what ranking a hit took, and half of finding a phrase.
"""

from django.db import migrations, models

UNPACKED = """
ALTER TABLE registry_searchrow ALTER COLUMN vector SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);
"""
UNPACKED_BACK = """
ALTER TABLE registry_searchrow ALTER COLUMN vector SET STORAGE EXTENDED, RESET (toast_tuple_target);
"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0060_rest")]

    operations = [
        migrations.AddIndex(
            model_name="model",
            index=models.Index(fields=["-created_at"], name="model_newest"),
        ),
        migrations.AddIndex(
            model_name="version",
            index=models.Index(fields=["-registered_at", "id"], name="version_newest"),
        ),
        migrations.RunSQL(UNPACKED, UNPACKED_BACK),
        migrations.RunSQL(  # so that old rows lie so, too: an operator's result is a vector anew
            "UPDATE registry_searchrow SET vector = vector || ''::tsvector;", migrations.RunSQL.noop
        ),
    ]
