import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0016_used_challenge"),
    ]

    operations = [
        migrations.CreateModel(
            name="PasswordReset",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("password_version", models.IntegerField()),
                ("expires_at", models.BigIntegerField()),
                ("used_at", models.BigIntegerField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="storage.account"
                    ),
                ),
            ],
            options={
                "db_table": "password_reset",
                "indexes": [models.Index(fields=["expires_at"], name="password_reset_by_expiry")],
            },
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("password_version", models.IntegerField()),
                ("began_at", models.BigIntegerField()),
                ("ended_at", models.BigIntegerField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=16)),
                ("browser_digest", models.BinaryField(max_length=32, unique=True)),
                ("stop_digest", models.BinaryField(max_length=32, unique=True)),
                ("program", models.CharField(blank=True, max_length=200)),
                ("address", models.CharField(blank=True, max_length=45)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recoveries",
                        to="storage.account",
                    ),
                ),
            ],
            options={
                "db_table": "recovery",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("account",),
                        name="recovery_one_at_a_time",
                    )
                ],
            },
        ),
    ]
