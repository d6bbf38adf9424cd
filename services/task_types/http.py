"""`http`: a request that the job itself describes. An app may map its own task types to such requests."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from core import headers, masking, secret_references, urls
from services.messaging import broker as brokers
from services.task_types import filling, registry
from services.task_types.oauth2 import OAuth2, Secret
from services.task_types.registry import TaskType

KEY = "http"
MAX_HEADERS = 50
MAX_STATUSES = 50
LONGEST_VALUE = 4_000
PLACES_OF_SECRETS = ("url", "headers", "body", "oauth2", "client_certificate")
SIGNED = "signed"

_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_WITHOUT_BODY = ("GET", "HEAD")


def _url(url: str) -> str:
    if fault := secret_references.fault_of_url(url) or urls.fault_of(url):
        raise ValueError(fault)
    return url


def _header_name(name: str) -> str:
    if fault := headers.fault_of_name(name):
        raise ValueError(fault)
    return name


def _header_value(value: str) -> str:
    if fault := headers.fault_of_value(value) or secret_references.fault_of_text(value):
        raise ValueError(fault)
    return value


def _statuses(value: Any) -> str:
    """One status or a range of them, as text."""
    whole = isinstance(value, int | str) and not isinstance(value, bool)
    match = _RANGE.fullmatch(str(value)) if whole else None
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise ValueError('must be a status from 100 to 599, or a range of them such as "200-299".')
    return match[0]


def _body(body: Any) -> Any:
    filling.check(body)
    return body


_STATUSES_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$"},
    ]
}

_OAUTH2_EXAMPLE = {
    "token_url": "https://login.example.com/token",
    "client_id": "orders",
    "client_secret": "{{secret.CLIENT_SECRET}}",
}

Url = Annotated[
    str,
    Field(max_length=urls.URL_LENGTH),
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": urls.URL_LENGTH, "pattern": "^https?://"}),
]
HeaderName = Annotated[str, Field(max_length=200), AfterValidator(_header_name)]
HeaderValue = Annotated[str, Field(max_length=LONGEST_VALUE), AfterValidator(_header_value)]
Statuses = Annotated[str, PlainValidator(_statuses), WithJsonSchema(_STATUSES_SCHEMA)]
Body = Annotated[dict[str, Any] | list[Any] | str | None, AfterValidator(_body)]


class HttpRequest(BaseModel):
    """A request to send.

    Texts in `body` may hold `{{data.x}}`, `{{run.id}}` and `{{polling_state.x}}`; an object or list is sent as JSON. A
    text that is nothing but `{{data.x}}` becomes that value, whatever its type. Body, values of headers, path and query
    may hold `{{secret.NAME}}`, a secret of the app. Where no statuses are expected by name, those from 200 to 299 are.
    Redirects are never followed. `client_certificate` is a secret that holds a certificate and its key in PEM, for
    receivers that ask for one.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    url: Annotated[Url, Field(examples=["https://example.com/orders"])]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=MAX_HEADERS)] = Field(
        default_factory=dict, examples=[{"X-Ops": "hello"}]
    )
    body: Body = Field(
        default=None,
        description="What is sent: an object or a list as JSON, or a text (in quotes).",
        examples=[{"order": "{{data.order}}"}],
    )
    expected_statuses: Annotated[list[Statuses], Field(max_length=MAX_STATUSES)] = Field(
        default_factory=list,
        description="The statuses that count as success, 200 to 299 by default.",
        examples=[["200-299", 404]],
    )
    oauth2: OAuth2 | None = Field(
        default=None, description="Where to get an access token, and by which credentials.", examples=[_OAUTH2_EXAMPLE]
    )
    client_certificate: Secret | None = Field(
        default=None, description="A secret of the app: a certificate and its key.", examples=["{{secret.CERTIFICATE}}"]
    )
    signed: bool = Field(
        default=True,
        description="Whether the app's newest secrets sign the request; false for those that keys of one account make.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _body_has_a_method(self) -> Self:
        if self.body is not None and self.method in _WITHOUT_BODY:
            raise ValueError(f"has a body, which {self.method} does not send; leave it out, or give another method.")
        return self

    @model_validator(mode="after")
    def _shows_who_asks_in_one_way(self) -> Self:
        if self.oauth2 is not None and "authorization" in {name.lower() for name in self.headers}:
            raise ValueError("has oauth2 and the header Authorization, which oauth2 sets; leave one of them out.")
        if self.client_certificate is not None and not self.url.lower().startswith("https:"):
            raise ValueError("has a client_certificate, which is shown only over TLS; call https://, or leave it out.")
        return self

    def masked_header(self) -> str | None:
        """Returns the name of a header that has a mask for its value, if one has."""
        return next((name for name, value in self.headers.items() if masking.is_mask(name, value)), None)

    def expects(self, status_code: int) -> bool:
        """Whether an answer of this status is a good one."""
        return any(_contains(statuses, status_code) for statuses in self.expected_statuses or ("200-299",))


class HttpTask(HttpRequest):
    """The parameters of a job of the type `http`; `data` is what its body is filled from."""

    data: dict[str, Any] = Field(
        default_factory=dict,
        description="The values for {{data.NAME}} in the body; they are sent nowhere else.",
        examples=[{"order": 17}],
    )

    @model_validator(mode="after")
    def _holds_no_mask(self) -> Self:
        if name := self.masked_header():
            raise ValueError(masking.fault_of_mask(name))
        if fault := masking.fault_of_address(self.url):
            raise ValueError(f"has a url that {fault}")
        return self


def _contains(statuses: str, status_code: int) -> bool:
    first, _, last = statuses.partition("-")
    return int(first) <= status_code <= int(last or first)


registry.register(
    TaskType(key=KEY, label="HTTP request", parameters=HttpTask, queue=brokers.RUNS_HTTP, has_templates=True)
)
