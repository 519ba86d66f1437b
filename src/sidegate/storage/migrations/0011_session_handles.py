import secrets

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import sidegate.storage.models


def name_each(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Give each session that is there a name of its own."""
    sessions = apps.get_model("storage", "WebSession").objects
    for key_digest in sessions.values_list("pk", flat=True):
        sessions.filter(pk=key_digest).update(handle=secrets.token_hex(16))


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0010_code_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="websession",
            name="handle",
            field=models.CharField(max_length=32, null=True),
        ),
        migrations.RunPython(name_each, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="websession",
            name="handle",
            field=models.CharField(
                default=sidegate.storage.models.new_handle, max_length=32, unique=True
            ),
        ),
    ]
