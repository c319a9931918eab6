"""What models offer to filter by is counted by a number that stands for it, and not by arrays of text; whose name is what was
typed is looked up and not compared ten thousand times."""

from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0092_last_administrator"),
    ]

    operations = [
        migrations.AddIndex(model_name="searchrow", index=models.Index(Upper("name"), name="search_name")),
        migrations.RemoveIndex(
            model_name="searchrow",
            name="search_offered",
        ),
        migrations.AddField(
            model_name="searchrow",
            name="offered_hash",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(models.F("offered"), models.Value(0), function="hash_array_extended"),
                output_field=models.BigIntegerField(),
            ),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(
                condition=models.Q(("kind", "model")),
                fields=["model"],
                include=("offered_hash", "offered"),
                name="search_offered",
            ),
        ),
    ]
