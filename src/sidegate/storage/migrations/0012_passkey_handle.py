from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0011_session_handles"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="passkey_handle",
            field=models.BinaryField(max_length=64, null=True, unique=True),
        ),
    ]
