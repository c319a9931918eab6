"""The `cardinal` command: thin over the client, made for pipelines and read by people."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from governance.client.command import login, tokens, work
from governance.client.command.asking import INTERRUPTED, UNANSWERED, USAGE, YES, ended
from governance.client.command.check import check, explain
from governance.client.command.decide import decide
from governance.client.command.receipt import receipt
from governance.client.errors import CardinalError
from governance.client.version import VERSION


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""\b
Exit codes: 0 yes, 1 no, 2 not asked, 3 no answer.

\b
Where the portal is and who asks:
  CARDINAL_URL          https://cardinal.example.org
  CARDINAL_TOKEN        the token, or CARDINAL_TOKEN_FILE, a file that nobody else may read
  CARDINAL_CA_FILE      certificates to trust, where the usual ones do not do
  cardinal login URL    stores both""",
)
@click.version_option(VERSION, prog_name="cardinal", message="%(prog)s %(version)s")
def cardinal() -> None:
    """Ask Cardinal: may this model serve, and who may query it?"""


for one in (check, explain, decide, work.sync, tokens.token, work.report, receipt, login.whoami, login.login, login.logout):  # fmt: skip
    cardinal.add_command(one)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Nothing but a "no" ends with 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cardinal.main(args=given, prog_name="cardinal", standalone_mode=False)
        sys.stdout.flush()
    except CardinalError as error:
        return ended(error, in_json="--json" in given)
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # whoever read us has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNANSWERED
    except Exception:  # noqa: BLE001 - a fault of ours must not read as "no", which is 1
        traceback.print_exc()
        return UNANSWERED
    return code if isinstance(code, int) else YES


def run() -> None:
    """What is installed as `cardinal`."""
    sys.exit(main())
