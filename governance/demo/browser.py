"""A browser without JavaScript: cookies, links, and forms sent with exactly what the page put into them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

SKIPPED = frozenset({"script", "style", "template", "title"})
TICKED = frozenset({"checkbox", "radio"})
Given = Mapping[str, str | list[str]]
Files = Mapping[str, tuple[str, bytes, str]]  # field -> name, content, type
BUTTONS = frozenset({"submit", "image", "button", "reset"})


class Unexpected(Exception):
    """A page or an answer is not what it should be; the message says what it was."""


@dataclass
class Form:
    """A form with its fields as the page filled them, boxes that are not ticked, and buttons that have a name."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    unticked: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)

    def names(self) -> set[str]:
        """The names of all that can be filled in."""
        return {name for name, _ in self.fields} | self.unticked


@dataclass(frozen=True)
class Page:
    """An answer as a reader sees it."""

    url: str
    status: int
    html: str
    text: str
    links: tuple[str, ...]
    forms: tuple[Form, ...]

    def shows(self, *words: str) -> Page:
        """The page itself, which must show all of `words`."""
        for one in words:
            if one not in self.text:
                raise Unexpected(f"{self.url} does not show “{one}”.")
        return self

    def link(self, pattern: str) -> str:
        """The first link whose path matches."""
        for link in self.links:
            if re.fullmatch(pattern, urlsplit(link).path):
                return link
        raise Unexpected(f"{self.url} has no link to {pattern}.")

    def form(self, action: str) -> Form:
        """The first form that is sent to a path which ends so."""
        for form in self.forms:
            if urlsplit(form.action).path.endswith(action):
                return form
        raise Unexpected(f"{self.url} has no form that is sent to {action}.")


class Browser:
    """One person at the portal."""

    def __init__(self, site: str, name: str = "") -> None:
        self.site = site
        self.name = name
        self.client = httpx.Client(base_url=site, follow_redirects=True, timeout=30)

    def log_in(self, password: str) -> Browser:
        """The browser itself, logged in."""
        page = self.get("/accounts/login/")
        form = next((form for form in page.forms if "password" in form.names()), None)
        if form is None:
            raise Unexpected("The log-in page has no form for a password.")
        after = self.send(form, {"username": self.name, "password": password})
        if urlsplit(after.url).path.startswith("/accounts/login"):
            raise Unexpected(f"{self.name} cannot log in.")
        return self

    def get(self, path: str, status: int = 200) -> Page:
        """The page at `path`, which must have this status."""
        return _page(self.client.get(path), status)

    def fetch(self, path: str) -> bytes:
        """A download."""
        answer = self.client.get(path)
        if answer.status_code != httpx.codes.OK:
            raise Unexpected(f"{answer.url} gave {answer.status_code}.")
        return answer.content

    def send(
        self,
        form: Form,
        given: Given | None = None,
        *,
        status: int = 200,
        press: str = "",
        files: Files | None = None,
    ) -> Page:
        """Sends a form with some fields filled in, by the button named `press`; returns where that leads."""
        values = given or {}
        unknown = set(values) - form.names()
        if unknown:
            raise Unexpected(f"The form for {form.action} has no field {', '.join(sorted(unknown))}.")
        data: dict[str, list[str]] = {}
        for name, value in form.fields:
            if name in (files or {}):
                continue
            data.setdefault(name, []).append(value)
        data |= {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        if press:
            if press not in form.buttons:
                raise Unexpected(f"The form for {form.action} has no button {press}.")
            data[press] = [form.buttons[press]]
        if form.method == "get":
            return _page(self.client.get(form.action, params=data), status)
        answer = self.client.post(form.action, data=data, files=files, headers={"Referer": form.action})
        return _page(answer, status)

    def post(self, path: str, status: int, **values: str) -> Page:
        """Sends what no page offers: a form of one's own making, with a valid token against forgery."""
        data = {"csrfmiddlewaretoken": self.client.cookies.get("csrftoken", ""), **values}
        return _page(self.client.post(path, data=data), status)


def path_of(url: str) -> str:
    """The path of an address."""
    return httpx.URL(url).path


def _page(answer: httpx.Response, status: int) -> Page:
    url = str(answer.url)
    if answer.status_code != status:
        raise Unexpected(f"{answer.request.method} {url} gave {answer.status_code}, not {status}.")
    is_text = answer.headers.get("content-type", "").startswith("text/html")
    html = answer.text if is_text else ""
    reader = _Reader(url)
    reader.feed(html)
    text = " ".join("".join(reader.words).split())
    return Page(url, answer.status_code, html, text, tuple(reader.links), tuple(reader.forms))


class _Reader(HTMLParser):
    """Collects words, links and forms."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.words: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.form: Form | None = None
        self.skipping = 0
        self.area: str | None = None
        self.select: str | None = None
        self.chosen: list[str] = []
        self.first: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.words.append(" ")
        if tag in SKIPPED:
            self.skipping += 1
        elif tag == "a" and "href" in given:
            self.links.append(urljoin(self.url, given["href"]))
        elif tag == "form":
            action = urljoin(self.url, given.get("action") or urlsplit(self.url).path)
            self.form = Form(action, given.get("method", "get").lower())
            self.forms.append(self.form)
            self.by_id[given.get("id", "")] = self.form
        elif tag == "textarea":
            self.area = given.get("name", "")
            self._add(given, "")
        elif tag == "select":
            self.select, self.chosen, self.first = given.get("name", ""), [], None
        elif tag == "option" and self.select is not None:
            value = given.get("value", "")
            self.first = value if self.first is None else self.first
            if "selected" in given:
                self.chosen.append(value)
        elif tag in {"input", "button"}:
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        form = self._form(given)
        if form is None or not given.get("name") or "disabled" in given:
            return
        if tag == "button" or kind in BUTTONS:
            form.buttons[given["name"]] = given.get("value", "")
        elif kind not in TICKED or "checked" in given:
            self._add(given, given.get("value", "on" if kind in TICKED else ""))
        else:
            form.unticked.add(given["name"])

    def _form(self, given: dict[str, str]) -> Form | None:
        return self.by_id.get(given["form"]) if given.get("form") else self.form

    def _add(self, given: dict[str, str], value: str) -> None:
        form = self._form(given)
        if form is not None and given.get("name"):
            form.fields.append((given["name"], value))

    def handle_endtag(self, tag: str) -> None:
        self.words.append(" ")
        if tag in SKIPPED:
            self.skipping = max(0, self.skipping - 1)
        elif tag == "form":
            self.form = None
        elif tag == "textarea":
            self.area = None
        elif tag == "select" and self.select is not None:
            for value in self.chosen or ([self.first] if self.first is not None else []):
                self._add({"name": self.select}, value)
            self.select = None

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            if self.form is not None and self.area:
                name, value = self.form.fields[-1]
                self.form.fields[-1] = (name, value + (data if value else data.removeprefix("\n")))
        elif not self.skipping:
            self.words.append(data)
