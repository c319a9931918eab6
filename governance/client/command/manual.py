"""The reference of the command, written from the command itself (docs/reference/cardinal.md)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from governance.client.command import cardinal
from governance.client.command.asking import EXITS, asks

COMMON = {one.name for one in asks(lambda _: None).__click_params__}  # type: ignore[attr-defined]  # click keeps them there


def manual() -> str:
    """Every command with its arguments and options, as Markdown."""
    rows = [
        "# The `cardinal` command",
        "",
        str(cardinal.help),
        "",
        "## How it ends",
        "",
        "| code | means |",
        "| --- | --- |",
    ]
    rows += [f"| {code} | {meaning} |" for code, meaning in EXITS.items()]
    rows += [
        "",
        "## Options of every command that asks the portal",
        "",
        "| option | meaning |",
        "| --- | --- |",
    ]
    rows += [_row(one) for one in commands()[0][1].params if one.name in COMMON]
    for name, command in commands():
        rows += [
            "",
            f"## cardinal {name}",
            "",
            _prose(command.help),
            "",
            "```text",
            f"cardinal {_usage(name, command)}",
            "```",
        ]
        own = [one for one in command.params if isinstance(one, click.Option) and one.name not in COMMON]
        if own:
            rows += ["", "| option | meaning |", "| --- | --- |", *(_row(one) for one in own)]
        if command.epilog:
            lines = command.epilog.replace("\b", "").strip().splitlines()[1:]
            rows += ["", "```sh", *(line.strip() for line in lines), "```"]
    return "\n".join(rows) + "\n"


def commands() -> list[tuple[str, click.Command]]:
    """Every command by the words it is called with."""
    return list(_leaves("", cardinal))


def _leaves(start: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from _leaves(f"{start}{name} ", one)
        else:
            yield start + name, one


def _usage(name: str, command: click.Command) -> str:
    arguments = [str(one.metavar or f"[{one.human_readable_name}]" if not one.required else one.metavar or one.human_readable_name)
                 for one in command.params if isinstance(one, click.Argument)]  # fmt: skip
    return " ".join([name, *arguments, "[OPTIONS]"])


def _row(one: click.Parameter) -> str:
    if not isinstance(one, click.Option):
        return ""
    said = [one.help or ""]
    if isinstance(one.type, click.Choice):
        said.append(f"One of {', '.join(one.type.choices)}.")
    if one.required:
        said.append("Needed.")
    if one.show_default and one.default is not None:
        said.append(f"Default: {one.default}.")
    takes = "" if one.is_flag or not one.metavar else f" {one.metavar}"
    return f"| {', '.join(f'`{name}{takes}`' for name in one.opts)} | {_cell(' '.join(filter(None, said)))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _prose(text: str | None) -> str:
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)
