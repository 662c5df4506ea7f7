"""Import files, list them, fetch them in the form that is wanted, delete them."""

from datetime import datetime

from aiohttp import hdrs, web

from gateway import answers, keys
from gateway.decoding import decode_query
from gateway.file_schemas import (
    ExportQuery,
    FilePage,
    FileResource,
    FilesQuery,
    FileWithRest,
    ImportQuery,
    ImportResource,
)
from gateway.operations import Operation
from gateway.report_texts import file_name
from shared.db.files import File
from shared.formats.imported import FileFormat
from shared.formats.limits import FILE_BYTES
from shared.formats.writing import MEDIA_TYPES
from shared.models import PlaylistId
from shared.scopes import Scope


async def add(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=ImportQuery)
    keep = request.app[keys.KEEP_FILES]
    async with keep.slot():
        content = await _content(request)
        stored = await keep.add(request[keys.USER_ID], content, name=query.name)
    body = ImportResource(
        format=stored.format, notes=stored.notes, items=tuple(map(_with_rest, stored.files))
    )
    location = f"/files/{stored.files[0].id}" if len(stored.files) == 1 else "/files"
    return answers.json(body, status=201, headers={hdrs.LOCATION: location})


async def list_page(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=FilesQuery)
    before = answers.open_cursor(query.cursor, into=tuple[datetime, str]) if query.cursor else None
    rows = await request.app[keys.KEEP_FILES].page(
        request[keys.USER_ID],
        before=(before[0], PlaylistId(before[1])) if before else None,
        limit=query.limit + 1,
    )
    shown, more = rows[: query.limit], rows[query.limit :]
    cursor = answers.seal_cursor((shown[-1].created_at, shown[-1].id)) if more else None
    page = FilePage(items=tuple(map(_resource, shown)), next_cursor=cursor)
    return answers.json(page, headers=answers.next_link(request, cursor))


async def show(request: web.Request) -> web.Response:
    found = await request.app[keys.KEEP_FILES].get(request[keys.USER_ID], request.match_info["id"])
    return answers.json(_with_rest(found))


async def fetch(request: web.Request) -> web.Response:
    query = decode_query(request.query, into=ExportQuery)
    file, content = await request.app[keys.KEEP_FILES].export(
        request[keys.USER_ID], request.match_info["id"], form=query.format
    )
    name = file_name(file.name, thing_id=file.id, ending=query.format)
    return web.Response(
        body=content,
        content_type=MEDIA_TYPES[query.format],
        charset="utf-8",
        headers={
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
            hdrs.CACHE_CONTROL: "no-store",
        },
    )


async def remove(request: web.Request) -> web.Response:
    await request.app[keys.KEEP_FILES].remove(request[keys.USER_ID], request.match_info["id"])
    return web.Response(status=204)


async def _content(request: web.Request) -> bytes:
    """Receive the body, but never more of it than a file may have."""
    announced_bytes = request.content_length or 0
    if announced_bytes > FILE_BYTES:
        raise web.HTTPRequestEntityTooLarge(FILE_BYTES, announced_bytes)
    content = bytearray()
    async for piece in request.content.iter_any():
        content += piece
        if len(content) > FILE_BYTES:
            raise web.HTTPRequestEntityTooLarge(FILE_BYTES, len(content))
    return bytes(content)


def _resource(file: File) -> FileResource:
    return FileResource(
        id=file.id,
        name=file.name,
        format=FileFormat(file.format) if file.format else None,
        track_count=file.track_count,
        rest_count=len(file.rest),
        created_at=file.created_at,
        changed_at=file.changed_at,
    )


def _with_rest(file: File) -> FileWithRest:
    head = _resource(file)
    return FileWithRest(**{field: getattr(head, field) for field in head.__struct_fields__}, rest=file.rest)


ROUTES = (
    Operation(
        method="POST",
        path="/files",
        handler=add,
        name="importFile",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Import a playlist file, up to 32 MiB; the answer names every row that is no track.",
        query=ImportQuery,
        raw_body=True,
        answers={201: ImportResource},
        problems=("validation", "file-unreadable"),
        example="Track name,Artist name,ISRC\nHarbour Lights,The Paper Boats,XXAAA2600001\n",
    ),
    Operation(
        method="GET",
        path="/files",
        handler=list_page,
        name="listFiles",
        scope=Scope.CONNECTIONS_READ,
        summary="List the playlists from and for files, newest first.",
        query=FilesQuery,
        answers={200: FilePage},
        problems=("validation",),
    ),
    Operation(
        method="GET",
        path="/files/{id}",
        handler=show,
        name="getFile",
        scope=Scope.CONNECTIONS_READ,
        summary="Show a playlist from or for a file, with the rows of that file that are no tracks.",
        answers={200: FileWithRest},
        problems=("not-found",),
    ),
    Operation(
        method="GET",
        path="/files/{id}/content",
        handler=fetch,
        name="getFileContent",
        scope=Scope.CONNECTIONS_READ,
        summary="Fetch a playlist as a file: CSV, M3U8, XSPF, JSPF or Crossplay's JSON.",
        query=ExportQuery,
        answers={200: None},
        answer_headers=("Content-Disposition",),
        texts=tuple(MEDIA_TYPES.values()),
        problems=("validation", "not-found"),
    ),
    Operation(
        method="DELETE",
        path="/files/{id}",
        handler=remove,
        name="removeFile",
        scope=Scope.CONNECTIONS_WRITE,
        summary="Delete a playlist from or for a file; transfers that still need it fail.",
        answers={204: None},
        problems=("not-found",),
    ),
)
