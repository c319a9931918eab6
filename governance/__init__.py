"""Control: what may be done. Also the Django project.

Nothing is loaded here: `governance.client` runs where the project's parts are not installed.
"""
