"""A browser of the simplest kind: it loads pages, reads their HTML, fills in forms, and keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import falcon.testing

from pages.middleware import POLICY

VOID = {"meta", "link", "input", "br", "hr", "img"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Form:
    """A form of a page: where it goes, and its fields as the page fills them in."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page as it is read: its text, links, forms and elements. Refuses what is not well-formed."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.status: int = result.status_code
        self.headers = result.headers
        self.html: str = result.text
        self.text = ""
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.texts: list[tuple[str, str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._link: str | None = None
        self._select: str | None = None
        self._area: str | None = None
        self._option = False
        self.feed(self.html)
        assert self._open == [], f"elements that are not closed: {self._open}"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag not in VOID:
            self._open.append(tag)
        match tag:
            case "a":
                self._link = given.get("href")
            case "form":
                self.forms.append(Form(given.get("action") or "", given.get("method") or "get"))
            case "input" if self.forms and given.get("name"):
                self._fill(given)
            case "select":
                self._select = given.get("name")
                self.forms[-1].fields[self._select or ""] = ""
            case "option" if "selected" in given and "value" in given:
                self.forms[-1].fields[self._select or ""] = given["value"] or ""
            case "option" if "selected" in given:
                self._option = True  # its text is its value
            case "textarea":
                self._area = given.get("name")
                self.forms[-1].fields[self._area or ""] = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag == "a":
            self._link = None
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.text += f" {data}" if self._open and self._open[-1] != "span" else data
        if self._open:
            self.texts.append((self._open[-1], data))
        if self._link is not None and data.strip():
            self.links.setdefault(data.strip(), self._link)
        if self._option:
            self.forms[-1].fields[self._select or ""] = data
            self._option = False
        if self._area is not None:
            self.forms[-1].fields[self._area] += data
        if self._open and self._open[-1] == "button" and self.forms:
            self.forms[-1].buttons.append(data.strip())

    def form(self, button: str) -> Form:
        """Returns the form with this button."""
        [found] = [form for form in self.forms if button in form.buttons]
        return found

    def texts_of(self, tag: str) -> list[str]:
        """Returns the texts of the elements of this kind."""
        return [text for one, text in self.texts if one == tag]

    def has_button(self, button: str) -> bool:
        """Whether there is a form with this button."""
        return any(button in form.buttons for form in self.forms)

    def _fill(self, given: dict[str, str | None]) -> None:
        if given.get("type") not in ("radio", "checkbox") or "checked" in given:
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""


class Browser:
    """Loads pages of an app, with its cookies."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._client = falcon.testing.TestClient(app)
        self.cookies: dict[str, str] = {}

    def load(self, path: str) -> Page:
        """Load a page, following redirects."""
        result = self.request("GET", path)
        return self._followed(result, path)

    def submit(self, form: Form, **typed: str) -> Page:
        """Send a form with this typed into its fields, following redirects."""
        return self._followed(self.send(form, **typed), form.action)

    def send(self, form: Form, **typed: str) -> Any:
        """Send a form; the answer."""
        fields = {**form.fields, **typed}
        if form.method == "get":
            return self.request("GET", f"{form.action}?{urlencode(fields)}")
        return self.request("POST", form.action, body=urlencode(fields))

    def request(
        self, method: str, path: str, *, body: str | bytes | None = None, host: str = "127.0.0.1", **headers: str
    ) -> Any:
        """Ask as a browser does; the answer, not followed."""
        where = urlsplit(path)
        content = {"Content-Type": FORM} if body is not None else {}
        result = self._client.simulate_request(
            method,
            where.path,
            query_string=where.query,
            body=body,
            host=host,
            headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin", **content, **headers},
            cookies=self.cookies,
        )
        for name, cookie in result.cookies.items():
            self.cookies[name] = cookie.value
        if (result.headers.get("Content-Type") or "").startswith("text/html") and result.content:
            assert result.headers["Content-Security-Policy"] == POLICY
        return result

    def _followed(self, result: Any, path: str) -> Page:
        for _ in range(5):
            if result.status_code != 303:
                break
            path = urljoin(path, result.headers["Location"])
            result = self.request("GET", path)
        return Page(result)
