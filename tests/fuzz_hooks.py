"""What schemathesis is told about our answers that no OpenAPI document can say."""

import os
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

OF_FORM = "promised form"
"""Stands in what `gateway/decoding.py` says of a body or query that its type does not take."""
IS_FLOAT = "got `float`"
"""JSON Schema takes 3.0 for an integer; we do not, as most languages do not."""


SPARED = frozenset(os.environ.get("CROSSPLAY_FUZZ_SPARED", "").split(","))
"""Ids of the key and the user in whose name the requests are sent: without them all else is refused."""


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    return not SPARED & set(map(str, (case.path_parameters or {}).values()))


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Let a valid request be refused for what it means, never for its form.

    A schema cannot tell which playlists there are at a platform, which cursor belongs to which list, or
    whether a sign-in is still open: those are 422 with their own problem, or with a pointer to the field.
    """
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    problem = response.json()
    is_float = any(IS_FLOAT in fault["detail"] for fault in problem.get("errors", ()))
    return problem["code"] == "validation" and OF_FORM in problem["detail"] and not is_float
