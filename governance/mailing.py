"""Mail: letters that are due go to the mail server, from a worker and never from a page.

A server that does not answer ends the round; nothing is lost, and the next round tries again. No address and no secret
is ever logged: a failure is told by its kind.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse

from governance.actions import letters as verbs
from governance.models import Letter
from registry.models import User

ROUND = 200  # mails in one round
SALT = "governance.unsubscribe"
ALL = ""  # in place of a kind: all mail
log = logging.getLogger(__name__)


def send_due() -> int:
    """Send what is due; returns how many mails went out."""
    if not settings.MAIL_ENABLED:
        return 0
    machine, count = User.machine(), 0
    connection = get_connection()
    try:
        for _ in range(ROUND):
            claimed = verbs.claim(by=machine)
            if not claimed:
                break
            if not (kept := verbs.sift(letters=claimed, by=machine)):
                continue
            answers = _sent(connection, kept, machine)
            if answers is None:
                break
            count += answers
    finally:
        _closed(connection)
    return count


def unsubscribe_key(user: User, kind: str) -> str:
    """What an address carries that switches off mail of one kind, or all of it. It opens nothing else."""
    return signing.dumps([user.pk, kind], salt=SALT)


def unsubscribing(key: str) -> tuple[int, str] | None:
    """Whose mail, and of which kind; None for what is no such key."""
    try:
        found = signing.loads(key, salt=SALT)
    except signing.BadSignature:
        return None
    return (found[0], found[1]) if isinstance(found, list) and len(found) == 2 else None


def message(letters: Sequence[Letter]) -> EmailMultiAlternatives:
    """One mail about one notice, or about those of a day. Its subject names no object."""
    person, first = letters[0].notice.person, letters[0].notice
    is_one = len(letters) == 1
    key = unsubscribe_key(person, first.kind if is_one else ALL)
    leave = f"{settings.SITE_URL}{reverse('unsubscribe')}?key={key}"
    context = {
        "site": settings.SITE_URL,
        "notices": [one.notice for one in letters],
        "title": first.sort.title if is_one else f"{len(letters)} notices",
        "is_one": is_one,
        "why": first.sort.why,
        "leave": leave,
        "settings_url": f"{settings.SITE_URL}{reverse('notice-settings')}",
    }
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    made = EmailMultiAlternatives(
        subject=f"Cardinal: {context['title']}",
        body=render_to_string("mail/notices.txt", context),
        to=[person.email],
        headers={
            # The same for each try: whoever gets it twice can tell.
            "Message-ID": f"<letter-{letters[0].pk}@{sender.rpartition('@')[2] or 'localhost'}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        },
    )
    made.attach_alternative(render_to_string("mail/notices.html", context), "text/html")
    return made


def _sent(connection: Any, letters: Sequence[Letter], machine: User) -> int | None:
    """1 when the server has taken it, 0 when it refused this one, None when it does not serve at all."""
    try:
        connection.open()
        connection.send_messages([message(letters)])
    except (SMTPRecipientsRefused, SMTPDataError) as error:  # about this mail, and no other
        code = _code(error)
        verbs.failed(letters=letters, problem=f"refused with {code}", is_final=code >= 500, by=machine)
        log.warning("The mail server refused a letter with %s.", code)
        return 0
    except (SMTPException, OSError) as error:
        kind = type(error).__name__
        verbs.failed(letters=letters, problem=f"no service: {kind}", is_final=False, by=machine)
        log.warning("The mail server does not serve: %s.", kind)
        return None
    verbs.sent(letters=letters, by=machine)
    return 1


def _code(error: SMTPRecipientsRefused | SMTPDataError) -> int:
    if isinstance(error, SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return int(error.smtp_code)


def _closed(connection: Any) -> None:
    try:
        connection.close()
    except (SMTPException, OSError):  # it was sent; how the server says goodbye is of no interest
        log.info("The mail server closed the connection by itself.")
