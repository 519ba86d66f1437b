from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def first_passwords_were_given(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    # Until now only an operator added accounts: a first password is not its owner's choice.
    account = apps.get_model("storage", "Account")
    account.objects.filter(password_version=1).exclude(password_hash="").update(password_given=True)


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0017_recovery"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="password_given",
            field=models.BooleanField(db_default=False),
        ),
        migrations.RunPython(first_passwords_were_given, migrations.RunPython.noop),
    ]
