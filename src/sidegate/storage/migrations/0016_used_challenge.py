from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0015_known_browser"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsedChallenge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("challenge", models.BinaryField(max_length=32, unique=True)),
                ("used_at", models.BigIntegerField()),
            ],
            options={
                "db_table": "used_challenge",
                "indexes": [
                    models.Index(fields=["used_at"], name="used_challenge_by_age"),
                ],
            },
        ),
    ]
