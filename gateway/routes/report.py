"""Send a transfer's report as CSV, JSON or Markdown, page by page, as fast as its reader takes it."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import hdrs, web
from loguru import logger

from gateway import keys, reports, resources
from gateway.actions.report_transfer import Report
from gateway.decoding import decode_query
from gateway.negotiation import preferred
from gateway.operations import Handler, Operation
from gateway.report_schemas import ReportQuery, ReportResource, Revisions
from gateway.report_texts import file_name
from gateway.reports import MEDIA_TYPES, ReportFormat
from shared import telemetry
from shared.scopes import Scope

STALL_S = 30.0
"""How long a reader may take for one page; behind a slower one nobody is reading any more."""

_FORMATS = {media_type: form for form, media_type in MEDIA_TYPES.items()}


async def show(request: web.Request) -> web.StreamResponse:
    """Answer in the form that the client likes best."""
    accepted = preferred(request.headers.get(hdrs.ACCEPT, ""), offers=tuple(_FORMATS))
    return await _send(request, _FORMATS[accepted])


def _in_form(form: ReportFormat) -> Handler:
    async def show_in_form(request: web.Request) -> web.StreamResponse:
        return await _send(request, form)

    return show_in_form


async def _send(request: web.Request, form: ReportFormat) -> web.StreamResponse:
    query = decode_query(request.query, into=ReportQuery)
    report = await request.app[keys.REPORT_TRANSFER](request[keys.USER_ID], request.match_info["id"])
    pieces = _pieces(request, report, form=form, has_bom=query.bom)
    first = await anext(pieces)  # what fails until here is told as a problem
    row = report.view.transfer
    name = file_name(row.source_name, thing_id=row.id, ending=form)
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: f"{MEDIA_TYPES[form]}; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.VARY: hdrs.ACCEPT,
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": request[keys.REQUEST_ID],
            **telemetry.inject(),
        }
    )
    try:
        await response.prepare(request)
        await _write(response, first)
        async for piece in pieces:
            await _write(response, piece)
    except Exception as error:  # noqa: BLE001 - the answer has begun: no problem can be told any more
        # Without its end the reader can tell that the report is not whole.
        logger.bind(error=type(error).__name__).warning("Report not sent to its end")
        if request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(STALL_S):
        await response.write(text.encode())


async def _pieces(
    request: web.Request, report: Report, *, form: ReportFormat, has_bom: bool
) -> AsyncIterator[str]:
    """Give the beginning with the first page, then each page, then the end."""
    status = resources.status(
        report.view, label=request.app[keys.PLATFORMS].label, trace_url=request.app[keys.SETTINGS].trace_url
    )
    writer = reports.writer_of(form, status, has_bom=has_bom)
    revision, text = status.revision, writer.begin()
    async for page in report.pages():
        revision = page[-1].item.revision
        yield text + writer.page([reports.row(one) for one in page])
        text = ""
    yield text + writer.end(Revisions(first=status.revision, last=revision))


_PROBLEMS = ("validation", "not-found", "store-unavailable")

ROUTES = (
    Operation(
        method="GET",
        path="/status/{id}/report",
        handler=show,
        name="getReport",
        scope=Scope.TRANSFERS_READ,
        summary="Report what became of every item, as a file in the form that `Accept` names.",
        query=ReportQuery,
        answer_headers=("Content-Disposition",),
        headers={"Accept": f"One of {', '.join(_FORMATS)}; the first where it is missing."},
        answers={200: ReportResource},
        texts=(MEDIA_TYPES[ReportFormat.CSV], MEDIA_TYPES[ReportFormat.MARKDOWN]),
        problems=(*_PROBLEMS, "not-acceptable"),
    ),
    Operation(
        method="GET",
        path="/status/{id}/report.csv",
        handler=_in_form(ReportFormat.CSV),
        name="getReportCsv",
        scope=Scope.TRANSFERS_READ,
        summary="The report as CSV (RFC 4180, UTF-8) in which nothing is a formula.",
        query=ReportQuery,
        answer_headers=("Content-Disposition",),
        answers={200: None},
        texts=(MEDIA_TYPES[ReportFormat.CSV],),
        problems=_PROBLEMS,
    ),
    Operation(
        method="GET",
        path="/status/{id}/report.json",
        handler=_in_form(ReportFormat.JSON),
        name="getReportJson",
        scope=Scope.TRANSFERS_READ,
        summary="The report as one JSON object: the transfer, its rows, and the revisions that they are of.",
        query=ReportQuery,
        answer_headers=("Content-Disposition",),
        answers={200: ReportResource},
        problems=_PROBLEMS,
    ),
    Operation(
        method="GET",
        path="/status/{id}/report.md",
        handler=_in_form(ReportFormat.MARKDOWN),
        name="getReportMarkdown",
        scope=Scope.TRANSFERS_READ,
        summary="The report for people, as Markdown.",
        query=ReportQuery,
        answer_headers=("Content-Disposition",),
        answers={200: None},
        texts=(MEDIA_TYPES[ReportFormat.MARKDOWN],),
        problems=_PROBLEMS,
    ),
)
