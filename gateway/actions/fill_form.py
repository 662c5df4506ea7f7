"""Link an account by a form that its user has filled in; what is wrong is said at the field it is about."""

from collections.abc import Awaitable, Callable, Mapping

from shared.db.connect_sessions import ConnectSession
from shared.db.connections import Connection
from shared.errors import (
    ConnectFailed,
    CrossplayError,
    FieldFault,
    PlatformAnswerInvalid,
    PlatformDenied,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
)
from shared.platforms.forms import ConnectForm, FieldKind, SignInInput, fault_at

_SILENT = (PlatformUnavailable, PlatformDenied)
_OTHER = (PlatformNotFound, PlatformRejected, PlatformAnswerInvalid)


async def fill_form(
    link: Callable[[ConnectSession, SignInInput], Awaitable[Connection]],
    session: ConnectSession,
    *,
    form: ConnectForm,
    values: Mapping[str, str],
    label: str,
) -> Connection:
    """Try what was filled in, and keep it if it works.

    Raises ConnectFailed, ValidationFailed, and what LinkAccount raises where it is about no field.
    """
    found = form.fill(values)
    try:
        return await link(session, found)
    except (ConnectFailed, *_SILENT, *_OTHER) as error:
        fault = _fault(error, form=form, label=label)
        if fault is None:
            raise
        raise ConnectFailed(f"{label} is not connected, and nothing was stored.", faults=(fault,)) from error


def _fault(error: CrossplayError, *, form: ConnectForm, label: str) -> FieldFault | None:
    is_refused = isinstance(error, ConnectFailed)
    field = form.first(FieldKind.SECRET if is_refused else FieldKind.ADDRESS)
    if field is None:
        return None
    if is_refused:
        return fault_at(field.name, f"{label} does not accept this sign-in: is everything typed right?")
    if isinstance(error, _OTHER):
        text = f"What is at this address does not answer as {label} does: is a part of it missing?"
        return fault_at(field.name, text)
    return fault_at(field.name, str(error))
