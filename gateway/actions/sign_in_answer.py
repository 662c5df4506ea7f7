"""What a platform's sign-in answers, and how it is read from the address at which the browser ended."""

from urllib.parse import parse_qsl, urlsplit

import msgspec

from shared.errors import FieldFault, ValidationFailed

_REFUSED = ("error", "error_reason")
"""The parameter in which a sign-in says that it was refused: the standard's, and Deezer's."""
ADDRESS_FAULT = FieldFault(
    "/address", "Paste the whole address at which the browser ended, with code= and state= in it."
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform's sign-in sent back through the browser."""

    state: str = ""
    code: str | None = None
    error: str | None = None

    def __repr__(self) -> str:
        return f"Answer(error={self.error!r}, …)"


def answer_in(address: str) -> Answer:
    """Read the answer that stands in an address. Raises ValidationFailed."""
    try:
        fields = dict(parse_qsl(urlsplit(address.strip()).query, max_num_fields=20))
    except ValueError:
        fields = {}
    if "state" not in fields or not {"code", *_REFUSED} & set(fields):
        raise ValidationFailed("This is not where a sign-in ends.", faults=(ADDRESS_FAULT,))
    error = next((fields[name] for name in _REFUSED if name in fields), None)
    return Answer(state=fields["state"], code=fields.get("code"), error=error)
