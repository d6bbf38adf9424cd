"""Read forms with a file (multipart/form-data) part by part: the file is passed on in pieces, never held in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import falcon
from falcon.asgi import Request
from falcon.media import MultipartFormHandler
from falcon.media.multipart import MultipartParseError

from api.bodies import bad_text
from api.validation import shown
from core.errors import FieldError, InvalidInput

MEDIA_FORM = falcon.MEDIA_MULTIPART
OVERHEAD_BYTES = 64 * 1024  # the most bytes of a form besides its file
PIECE_BYTES = 256 * 1024
LONGEST_TEXT_BYTES = 4_096
MAX_TEXTS = 20
# Falcon reads both of these in a time that grows with the square of their length.
LONGEST_CONTENT_TYPE = 256  # a boundary has at most 70
MAX_BYTES_OF_PART_HEAD = 2_048


class FileTooLarge(falcon.HTTPContentTooLarge):
    """The file is larger than the server accepts."""

    def __init__(self, most: int) -> None:
        super().__init__(description=f"The file is larger than {most} bytes. Send a smaller one; nothing was stored.")


@dataclass(frozen=True)
class Form:
    """A form's text fields, and the name of its file; without `has_file`, it came without a name.

    Browsers send an empty file without a name where none was chosen.
    """

    texts: dict[str, str]
    file_name: str
    has_file: bool = True


def handler() -> MultipartFormHandler:
    """Returns what splits forms into their parts, each with a short head."""
    made = MultipartFormHandler()
    made.parse_options.max_body_part_headers_size = MAX_BYTES_OF_PART_HEAD
    return made


BeforeFile = Callable[[Mapping[str, str]], None]


async def read(
    req: Request,
    most: int,
    write: Callable[[bytes], Awaitable[None]],
    before_file: BeforeFile = lambda _texts: None,
) -> Form:
    """Read a form that has one field named `file`, whose bytes go to `write`.

    `before_file` gets the text fields that came before the file, and may raise.
    Raises `FileTooLarge` as soon as the file is too large, Falcon's 415 or 400 if the body is not such a form, and
    `InvalidInput` for fields that are too long, not text, or given twice, or if the file is missing.
    """
    _refuse_others(req)
    texts: dict[str, str] = {}
    file_name: str | None = None
    try:
        async for part in await req.get_media():
            name = part.name or ""
            if name in texts or (name == "file" and file_name is not None):
                raise InvalidInput.at(name[:100], "is given more than once; give it once.")
            if len(texts) == MAX_TEXTS:
                raise InvalidInput.at(name[:100], f"comes after {MAX_TEXTS} other fields; a form may have no more.")
            if name == "file":
                before_file(texts)
                file_name = part.filename or ""
                await _pass_on(part, most, write)
            else:
                texts[name] = await _text(name, part)
    except (UnicodeDecodeError, MultipartParseError) as error:
        raise falcon.HTTPBadRequest(
            title="The form cannot be read", description=f"The form is cut off or malformed: {_reason(error)}"
        ) from None
    if file_name is None:
        raise InvalidInput.at("file", "is required; send it as multipart/form-data in a field of this name.")
    name = file_name.replace("%22", '"')  # HTML's rules have clients send quotes as %22
    return Form(texts, _storable(name or "file"), has_file=bool(name))


def _refuse_others(req: Request) -> None:
    given = req.content_type or ""
    if len(given) > LONGEST_CONTENT_TYPE:
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The Content-Type has {len(given)} characters, of which at most {LONGEST_CONTENT_TYPE} are "
            f"read. Send {MEDIA_FORM} with a shorter boundary, and nothing else."
        )
    declared = given.partition(";")[0].strip().lower()
    if declared != MEDIA_FORM:
        raise falcon.HTTPUnsupportedMediaType(
            description=f"The body is {shown(declared)}. Send a form with a file, as {MEDIA_FORM}."
        )


async def _pass_on(part: Any, most: int, write: Callable[[bytes], Awaitable[None]]) -> None:
    size = 0
    while piece := await part.stream.read(PIECE_BYTES):
        size += len(piece)
        if size > most:
            raise FileTooLarge(most)
        await write(piece)


async def _text(name: str, part: Any) -> str:
    data: bytes = await part.stream.read(LONGEST_TEXT_BYTES + 1)
    if len(data) > LONGEST_TEXT_BYTES:
        raise InvalidInput.at(name[:100], f"must have at most {LONGEST_TEXT_BYTES} bytes; shorten it.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidInput.at(name[:100], "is not text in UTF-8.") from None
    if message := bad_text(text) or bad_text(name):
        raise InvalidInput(FieldError(_storable(name[:100]), message))
    return text


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _reason(error: Exception) -> str:
    return str(getattr(error, "description", None) or error)[:200]
