"""Control: what may be done. Also the Django project."""

from governance.celery import app as celery_app

__all__ = ["celery_app"]
