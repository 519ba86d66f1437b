from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0019_undoing"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="seen_language",
            field=models.CharField(blank=True, db_default="", max_length=16),
        ),
        migrations.AddField(
            model_name="knownbrowser",
            name="first_at",
            field=models.BigIntegerField(db_default=0),
        ),
    ]
