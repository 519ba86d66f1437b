from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0020_seen_language"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="steps_removed",
            field=models.IntegerField(db_default=0),
        ),
    ]
