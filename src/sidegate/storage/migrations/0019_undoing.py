import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0018_password_given"),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerAddress",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("address", models.CharField(blank=True, max_length=254)),
                ("until", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="storage.account"
                    ),
                ),
            ],
            options={
                "db_table": "former_address",
                "indexes": [models.Index(fields=["until"], name="former_address_by_age")],
            },
        ),
        migrations.CreateModel(
            name="FormerPhone",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=20)),
                ("channel", models.CharField(max_length=8)),
                ("name", models.CharField(blank=True, max_length=60)),
                ("added_at", models.BigIntegerField()),
                ("last_used_at", models.BigIntegerField(null=True)),
                ("preferred_at", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="storage.account"
                    ),
                ),
            ],
            options={
                "db_table": "former_phone",
                "indexes": [models.Index(fields=["until"], name="former_phone_by_age")],
            },
        ),
    ]
