"""`python -m governance.client` is the `cardinal` command."""

from governance.client.command import run

run()
