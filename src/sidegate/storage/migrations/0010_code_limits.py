import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0009_second_steps"),
    ]

    operations = [
        migrations.AddField(
            model_name="phone",
            name="preferred_at",
            field=models.BigIntegerField(db_default=0),
        ),
        # Counts of an hour, which no other column could be made from.
        migrations.DeleteModel(name="CodeSend"),
        migrations.CreateModel(
            name="CodeSend",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=32)),
                ("network", models.CharField(max_length=50)),
                ("prefix", models.CharField(max_length=8)),
                ("at", models.BigIntegerField()),
                ("price", models.BigIntegerField()),
                ("job", models.BigIntegerField()),
                ("outcome", models.CharField(max_length=8)),
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
                "db_table": "code_send",
                "indexes": [
                    models.Index(fields=["account", "at"], name="code_send_by_account"),
                    models.Index(fields=["number", "at"], name="code_send_by_number"),
                    models.Index(fields=["network", "at"], name="code_send_by_network"),
                    models.Index(fields=["prefix", "at"], name="code_send_by_prefix"),
                    models.Index(fields=["at"], name="code_send_by_age"),
                    models.Index(fields=["job"], name="code_send_by_job"),
                ],
            },
        ),
    ]
