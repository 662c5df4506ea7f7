"""Is it up, can it serve, which release is it, and how is it spoken to."""

from importlib.metadata import version

from aiohttp import hdrs, web

from gateway import answers, keys, problems, reference_page, schemas
from gateway.operations import Operation


async def live(_: web.Request) -> web.Response:
    return answers.json(schemas.HealthResource(status="ok"))


async def ready(request: web.Request) -> web.Response:
    faults = await request.app[keys.CHECK_HEALTH]()
    is_ready = not any(faults.values())
    body = schemas.ReadinessResource(
        status="ready" if is_ready else "not_ready",
        checks={
            name: schemas.ReadinessCheck(ok=fault is None, detail=fault) for name, fault in faults.items()
        },
    )
    if is_ready:
        return answers.json(body)
    return answers.json(body, status=503, headers={hdrs.RETRY_AFTER: str(problems.RETRY_AFTER_S)})


async def show_version(_: web.Request) -> web.Response:
    return answers.json(schemas.VersionResource(version=version("crossplay")))


async def openapi(request: web.Request) -> web.Response:
    return web.Response(body=request.app[keys.OPENAPI], content_type="application/json")


async def reference(request: web.Request) -> web.Response:
    text = request.app[keys.REFERENCE]
    return web.Response(text=text, content_type="text/html", headers=reference_page.HEADERS)


ROUTES = (
    Operation(
        method="GET",
        path="/healthz",
        handler=live,
        name="checkLiveness",
        summary="Say that the process is up; asks nothing else.",
        answers={200: schemas.HealthResource},
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/readyz",
        handler=ready,
        name="checkReadiness",
        summary="Say whether requests can be served, part by part.",
        answers={200: schemas.ReadinessResource, 503: schemas.ReadinessResource},
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/version",
        handler=show_version,
        name="getVersion",
        summary="Say which release this is.",
        answers={200: schemas.VersionResource},
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        name="getOpenapi",
        summary="This document.",
        answers={200: dict},
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/docs",
        handler=reference,
        name="showReference",
        summary="The same as a page for people.",
        answers={200: None},
        texts=("text/html",),
        is_open=True,
    ),
)
