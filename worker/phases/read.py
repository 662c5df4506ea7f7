"""Read: one page of the source playlist."""

from worker.context import Context
from worker.results import PageRead


async def read(context: Context) -> PageRead:
    page = await context.adapter.read_items(context.transfer.source_playlist_id, cursor=context.job.cursor)
    return PageRead(items=page.items, next_cursor=page.next_cursor, total=page.total)
