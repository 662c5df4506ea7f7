"""Explain problems: where the `type` of each leads to, and the list of all, for people and for programs."""

from aiohttp import hdrs, web

from gateway import answers, pages
from gateway.negotiation import preferred
from gateway.operations import Operation
from gateway.problem_schemas import ProblemKind, ProblemKinds
from gateway.problems import KINDS, Kind
from shared.errors import NotFound

_HTML, _JSON, _PROBLEM = "text/html", "application/json", "application/problem+json"
_OFFERS = (_HTML, _JSON, _PROBLEM)


async def list_problems(request: web.Request) -> web.Response:
    kinds = sorted(KINDS.values(), key=lambda kind: (kind.status, kind.slug))
    if _wants_page(request):
        return _page(pages.problem_list(kinds))
    return answers.json(ProblemKinds(items=tuple(map(_resource, kinds))), headers={hdrs.VARY: hdrs.ACCEPT})


async def explain(request: web.Request) -> web.Response:
    kind = KINDS.get(request.match_info["slug"])
    if kind is None:
        raise NotFound("There is no such problem; `/problems` lists those that there are.")
    if _wants_page(request):
        return _page(pages.problem(kind))
    return answers.json(_resource(kind), headers={hdrs.VARY: hdrs.ACCEPT})


def _wants_page(request: web.Request) -> bool:
    return preferred(request.headers.get(hdrs.ACCEPT, ""), offers=_OFFERS) == _HTML


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type=_HTML, headers={**pages.HEADERS, hdrs.VARY: hdrs.ACCEPT})


def _resource(kind: Kind) -> ProblemKind:
    return ProblemKind(
        type=f"/problems/{kind.slug}",
        code=kind.slug,
        status=kind.status,
        title=kind.title,
        cause=kind.cause,
        help=kind.cure,
    )


_HEADERS = {"Accept": f"{_HTML} (default) or {_JSON}."}

ROUTES = (
    Operation(
        method="GET",
        path="/problems",
        handler=list_problems,
        name="listProblems",
        summary="List the types of problems.",
        headers=_HEADERS,
        answers={200: ProblemKinds},
        texts=(_HTML,),
        problems=("not-acceptable",),
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/problems/{slug}",
        handler=explain,
        name="explainProblem",
        summary="A page that tells what a type of problem means and what cures it.",
        headers=_HEADERS,
        answers={200: ProblemKind},
        texts=(_HTML,),
        problems=("not-found", "not-acceptable"),
        is_open=True,
    ),
)
