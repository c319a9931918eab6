"""Certificates of authorities that somebody trusts for one tracking server: checked when given, public ever after."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from registry.errors import Invalid

LONGEST = 60_000  # characters; a chain of a few certificates has less than ten thousand
MOST = 20
BEGIN = "-----BEGIN CERTIFICATE-----"


def checked(pem: str) -> str:
    """`pem` without what stands around its certificates (RFC 7468). `Invalid` says what is wrong with it, and the remedy."""
    if not pem.strip():
        return ""
    if len(pem) > LONGEST or pem.count(BEGIN) > MOST:
        raise _wrong(f"Paste at most {MOST} certificates, of {LONGEST} characters together.")
    if "PRIVATE KEY" in pem:
        raise _wrong(
            "This holds a private key. Paste the certificate only, and replace that key: it was shown."
        )
    found = _parsed(pem)
    now = datetime.now(tz=UTC)
    for one in found:
        if one.not_valid_after_utc <= now:
            raise _wrong(
                f"The certificate of {_name(one)} expired on {one.not_valid_after_utc:%d %B %Y}. Paste its successor."
            )
        if one.not_valid_before_utc > now:
            raise _wrong(
                f"The certificate of {_name(one)} is valid from {one.not_valid_before_utc:%d %B %Y} only. "
                "Paste one that is valid today."
            )
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def in_words(pem: str) -> str:
    """Whose certificates these are and until when they are valid; empty for none."""
    if not pem:
        return ""
    told = [f"{_name(one)}, valid until {one.not_valid_after_utc:%d %B %Y}" for one in _parsed(pem)]
    return "; ".join(told)[:500]


def _parsed(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as problem:
        raise _wrong(
            f"This is no certificate. Paste PEM text, from {BEGIN} to -----END CERTIFICATE-----."
        ) from problem


def _name(one: x509.Certificate) -> str:
    """Its common name, or all that names it."""
    common = one.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value if common else one.subject.rfc4514_string())[:100] or "nobody"


def _wrong(sentence: str) -> Invalid:
    return Invalid(fields={"authority": [sentence]})
