import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0014_personal"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownBrowser",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("seen_at", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="storage.account",
                    ),
                ),
            ],
            options={
                "db_table": "known_browser",
                "indexes": [
                    models.Index(fields=["account", "seen_at"], name="known_browser_by_account"),
                    models.Index(fields=["seen_at"], name="known_browser_by_age"),
                ],
            },
        ),
    ]
