"""The settings of a portal that tests start as a process: static files as they lie there, since nobody collects them."""

from governance.settings import *  # noqa: F403
from governance.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
