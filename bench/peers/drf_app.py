"""Django REST framework: a model serializer behind a generic view; a message is published for each row."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings

from bench.peers import surroundings

settings.configure(
    SECRET_KEY="bench",  # noqa: S106  nobody logs in
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="bench.peers.drf_app",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    DATABASES={"default": surroundings.django_database()},
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402  Django wants to be set up first
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402

from bench.peers.dramatiq_app import noop  # noqa: E402


class Job(models.Model):  # noqa: DJ008  nobody prints it
    """One row of the table that all web peers write."""

    name = models.TextField()
    payload = models.JSONField()
    state = models.TextField(default="queued")

    class Meta:
        app_label = "bench"
        db_table = "web_jobs"
        managed = False


class JobSerializer(serializers.ModelSerializer):
    """The job as JSON."""

    class Meta:
        model = Job
        fields = ("id", "name", "payload", "state")
        read_only_fields = ("state",)


class Create(generics.CreateAPIView):
    """POST /jobs."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer

    def perform_create(self, serializer: Any) -> None:
        """Store the row, then publish."""
        noop.send(serializer.save().id)


urlpatterns = [path("jobs", Create.as_view())]
app = get_wsgi_application()
