import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0013_app_password_choices"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="recovery_address",
            field=models.CharField(blank=True, db_default="", max_length=254),
        ),
        migrations.AddField(
            model_name="account",
            name="time_zone",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
        migrations.CreateModel(
            name="RecoveryChange",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="storage.account",
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("digest", models.BinaryField(max_length=32)),
                ("tries", models.IntegerField(default=0)),
                ("asked_at", models.BigIntegerField()),
                ("expires_at", models.BigIntegerField()),
            ],
            options={"db_table": "recovery_change"},
        ),
    ]
