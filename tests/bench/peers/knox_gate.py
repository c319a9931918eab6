"""The peer: a Django project in one file. `python knox_gate.py seed` fills it and prints a token; served as WSGI.

A caller asks GET /check/<name>/ with a knox token and hears 204 when django-guardian says that it may query the thing.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="only for a measurement",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PEER_NAME"],
            "USER": os.environ.get("PEER_USER", ""),
            "PASSWORD": os.environ.get("PEER_PASSWORD", ""),
            "HOST": os.environ.get("PEER_HOST", ""),
            "PORT": os.environ.get("PEER_PORT", ""),
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "knox",
        "guardian",
    ],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "guardian.backends.ObjectPermissionBackend",
    ],
    REST_KNOX={"TOKEN_TTL": timedelta(days=1), "AUTO_REFRESH": False},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402
from knox.auth import TokenAuthentication  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Check(APIView):
    """May this caller query this group's thing? Groups stand for models: any object will do for guardian."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request, name):  # noqa: ANN001, ANN201 - its environment has no types
        thing = get_object_or_404(Group, name=name)
        return Response(status=204 if request.user.has_perm("auth.view_group", thing) else 403)


urlpatterns = [path("check/<str:name>/", Check.as_view())]
application = get_wsgi_application()


def seed(tokens: int, things: int) -> str:
    """Fills an empty database and returns one token. Each token has a caller of its own, as in any real place: knox looks
    through all tokens of a caller whenever one of them is used.
    """
    from guardian.shortcuts import assign_perm

    call_command("migrate", verbosity=0)
    groups = [Group.objects.get_or_create(name=f"thing-{n}")[0] for n in range(things)]
    for n in range(tokens):
        user = User.objects.create(username=f"caller-{n}")
        token = AuthToken.objects.create(user=user)[1]
    for group in groups:
        assign_perm("auth.view_group", user, group)
    return token


if __name__ == "__main__":
    print(seed(int(sys.argv[1]), int(sys.argv[2])))
