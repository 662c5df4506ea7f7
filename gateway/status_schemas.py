"""Queries about one transfer: which of its fields, which of its items."""

from typing import Annotated

import msgspec

from gateway.schemas import Cursor, Limit, StatusResource

_FIELD = f"({'|'.join(StatusResource.__struct_fields__)})"


class StatusQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """fields: names of the answer's own fields, separated by commas: only these are sent."""

    fields: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=500,
                # Only for the API document: whoever errs is told the choices, which a pattern does not say.
                extra_json_schema={
                    "pattern": f"^{_FIELD}(,{_FIELD})*$",
                    "examples": ["revision,state,counts"],
                },
            ),
        ]
        | None
    ) = None


class TracksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """outcome: one or more outcomes, separated by commas; `unmatched` and `skipped` mean their bucket."""

    outcome: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] | None = None
    limit: Limit = 100
    cursor: Cursor | None = None
