"""Text that a person has to give: there, stored without its margins, and within a limit."""

from __future__ import annotations

from registry.errors import Invalid

LONGEST = 5_000


def required(text: str, *, field: str, missing: str, longest: int = LONGEST) -> str:
    """`text` without its margins; `Invalid` naming `field` when there is nothing, too much, or a NUL in it."""
    said = text.strip()
    if not said:
        raise Invalid(fields={field: [missing]})
    return within(said, field=field, longest=longest)


def within(text: str, *, field: str, longest: int = LONGEST) -> str:
    """`text`, when it can be stored and is not longer than `longest` characters."""
    if "\x00" in text:
        raise Invalid(fields={field: ["Remove the NUL character."]})
    if len(text) > longest:
        raise Invalid(fields={field: [f"Use at most {longest} characters; these are {len(text)}."]})
    return text
