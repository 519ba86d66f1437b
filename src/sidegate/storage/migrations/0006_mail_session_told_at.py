from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0005_second_look")]

    operations = [
        migrations.AddField(
            model_name="mailsession",
            name="told_at",
            field=models.BigIntegerField(null=True),
        ),
    ]
