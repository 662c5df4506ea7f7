"""The browser of the tests itself: it reaches nobody else, tells what goes wrong, and never stays behind."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.browser.chromium import find_chromium
from tests.browser.servers import serving
from tests.browser.visitor import Visitor, Visitors
from tests.waiting import until, within

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).resolve().parents[2]
PAGE = '<!doctype html><title>A page</title><link rel="icon" href="data:,"><p>Hello</p>'
KILLED = """
import asyncio, os, sys
from tests.browser.chromium import running_chromium

async def main():
    async with running_chromium(sys.argv[1]) as browser:
        session = await browser.new_browser_cdp_session()
        told = await session.send("SystemInfo.getProcessInfo")
        pids = [row["id"] for row in told["processInfo"] if row["type"] == "browser"]
        print(*pids, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def page_app(text: str = PAGE, **headers: str) -> web.Application:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/", show)
    return app


@pytest.mark.parametrize("address", ["http://192.0.2.1/", "https://music.example/"])
async def test_nothing_leaves_this_machine(visitor: Visitor, address: str) -> None:
    async with serving(page_app()) as url:
        await visitor.page.goto(str(url))
        fetched = await visitor.page.evaluate(
            "url => fetch(url).then(() => 'got it', () => 'failed')", address
        )

    with pytest.raises(AssertionError, match=f"unexpected foreign request: GET {address}"):
        visitor.watch.settle()
    visitor.watch.expect("foreign request", address)
    visitor.watch.expect("console error", "ERR_PROXY_CONNECTION_FAILED")
    assert fetched == "failed"


async def test_errors_of_pages_and_popups_are_told(visitor: Visitor) -> None:
    opener = f"""{PAGE}<button onclick="window.open('/')">Open</button>
    <script>console.error('odd thing'); setTimeout(() => {{ throw new Error('never caught') }})</script>"""
    async with serving(page_app(opener)) as url:
        await visitor.page.goto(str(url))
        async with visitor.page.expect_popup() as opening:
            await visitor.page.get_by_role("button").click()
        await (await opening.value).get_by_role("button").wait_for()
        await until(lambda: len(visitor.watch.seen["page error"]) == 2)

    with pytest.raises(AssertionError, match="unexpected console error: odd thing"):
        visitor.watch.settle()
    visitor.watch.expect("console error", "odd thing")
    visitor.watch.expect("page error", "never caught")
    assert len(visitor.watch.seen["console error"]) == 2


async def test_what_a_policy_forbids_is_told(visitor: Visitor) -> None:
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:"}
    async with serving(page_app(f"{PAGE}<script>document.title = 'ran'</script>", **policy)) as url:
        await visitor.page.goto(str(url))
        title = await visitor.page.title()
        await until(lambda: bool(visitor.watch.seen["policy violation"]))

    with pytest.raises(AssertionError, match="unexpected policy violation"):
        visitor.watch.settle()
    visitor.watch.expect("policy violation", "script-src")
    assert title == "A page"


async def test_what_was_expected_must_happen(visitor: Visitor) -> None:
    visitor.watch.expect("console error", "status of 404")

    with pytest.raises(AssertionError, match="no console error with 'status of 404'"):
        visitor.watch.settle()

    async with serving(page_app()) as url:
        await visitor.page.goto(str(url / "missing"))


async def test_two_visitors_share_no_cookies(visitors: Visitors) -> None:
    first, second = await visitors.enter(), await visitors.enter()
    async with serving(page_app(**{"Set-Cookie": "seat=12; HttpOnly"})) as url:
        await first.page.goto(str(url))

        cookies = [len(await visitor.context.cookies()) for visitor in (first, second)]

    assert cookies == [1, 0]


async def test_a_window_that_no_click_asked_for_is_blocked(visitor: Visitor) -> None:
    async with serving(page_app(f"{PAGE}<script>window.opened = open('/') !== null</script>")) as url:
        await visitor.page.goto(str(url))

        opened = await visitor.page.evaluate("window.opened")

    assert opened is False


async def test_the_browser_ends_with_killed_tests(chromium_program: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, chromium_program), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    (pid,) = map(int, (await within(process.stdout.readline())).split())

    process.send_signal(signal.SIGKILL)
    await within(process.wait())

    await until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"CROSSPLAY_TEST_CHROMIUM": "/opt/browser", "PATH": ""}, "/opt/browser"),
        ({"PATH": "/nowhere"}, None),
    ],
)
async def test_the_browser_is_found_by_name_or_on_the_path(
    environ: dict[str, str], found: str | None
) -> None:
    assert find_chromium(environ) == found
