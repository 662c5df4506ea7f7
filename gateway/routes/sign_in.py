"""Connect accounts, as a browser does it: our pages, and where the platform's sign-in sends it back.

A browser is known by a cookie of its own. No API key comes near it.
"""

from urllib.parse import parse_qsl, urlsplit

import msgspec
from aiohttp import hdrs, web

from gateway import answers, keys, pages, sign_in_pages
from gateway.actions import browser, redirect_uri
from gateway.actions.connect_account import SESSION_LIFE_S, faults_of
from gateway.actions.sign_in_answer import Answer
from gateway.connect_schemas import CallbackQuery, PageForm
from gateway.decoding import decode_query
from gateway.middlewares import for_browsers
from gateway.operations import Operation
from gateway.sign_in_pages import NOTHING_FILLED, Filled, Invitation
from shared.db.connect_sessions import ConnectFlow, ConnectSession, ConnectStatus
from shared.errors import ConnectFailed, CrossplayError, FieldFault, ValidationFailed

_FIELD = "form."  # begins the names of what a platform asks for
_FORM = "application/x-www-form-urlencoded"


async def show_page(request: web.Request) -> web.Response:
    connect = request.app[keys.CONNECT_ACCOUNT]
    session = await connect.session(request.match_info["id"])
    if request.url.host == "localhost" and urlsplit(connect.page_url(session.id)).hostname == "127.0.0.1":
        # The platform will come back to the number, where the cookies of the name are not known.
        return _lead_to(connect.page_url(session.id))
    if session.status is not ConnectStatus.PENDING or session.is_used:
        return _lead_to("done")
    secret = _browser_of(request) or browser.new_browser()
    response = await _page(request, session, secret=secret)
    _remember(response, request, secret=secret)
    return response


async def take_form(request: web.Request) -> web.Response:
    form = await _form(request)
    connect = request.app[keys.CONNECT_ACCOUNT]
    session, secret = await connect.session(request.match_info["id"]), _browser_of(request)
    is_own = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    if not is_own or not browser.is_proof(form.proof, browser=secret, session_id=session.id):
        raise ConnectFailed(
            "This form was not sent from its own page, or cookies are off: open the page again."
        )
    if form.go is not None:
        return _lead_to(await connect.leave(session, browser=secret))
    if form.deny is not None:
        await connect.deny(session)
        return _lead_to("done")
    try:
        await _take(request, session, form, secret=secret)
    except CrossplayError as error:
        # The page says why, and takes another try.
        await connect.note(session, error)
        if session.flow is ConnectFlow.FORM:
            return await _once_more(request, form, error, secret=secret)
        return _lead_to("page")
    return _lead_to("done")


async def _take(request: web.Request, session: ConnectSession, form: PageForm, *, secret: str) -> None:
    connect = request.app[keys.CONNECT_ACCOUNT]
    if session.flow is ConnectFlow.FORM:
        await connect.take_form(session, form.form)
    elif form.address is not None:
        await connect.hand_in(session, form.address, browser=secret)
    elif form.music_user_token is not None:
        await connect.take_token(session, form.music_user_token)


async def _once_more(
    request: web.Request, form: PageForm, error: CrossplayError, *, secret: str
) -> web.Response:
    """Show the form again as it was sent, with what is wrong beside the fields."""
    session = await request.app[keys.CONNECT_ACCOUNT].session(request.match_info["id"])
    if session.status is not ConnectStatus.PENDING:
        return _lead_to("done")
    faults = {fault.pointer.rpartition("/")[2]: fault.detail for fault in faults_of(error)}
    return await _page(request, session, secret=secret, filled=Filled(values=form.form, faults=faults))


async def come_back(request: web.Request) -> web.Response:
    platform = answers.parse_platform(request.match_info["platform"])
    query = decode_query(request.query, into=CallbackQuery)
    session_id = await request.app[keys.CONNECT_ACCOUNT].come_back(
        platform,
        Answer(state=query.state, code=query.code, error=query.error or query.error_reason),
        browser=_browser_of(request),
    )
    # The clean address takes the code out of the browser's history.
    return _lead_to(f"../sessions/{session_id}/done")


async def show_result(request: web.Request) -> web.Response:
    connect = request.app[keys.CONNECT_ACCOUNT]
    session = await connect.session(request.match_info["id"])
    connection = await connect.connection_of(session)
    text = sign_in_pages.result(
        session.status,
        platform_label=request.app[keys.PLATFORMS].label(session.platform),
        account_label=connection.label if connection else None,
        failure=session.failure,
    )
    return _html(text, headers=pages.HEADERS)


async def _page(
    request: web.Request, session: ConnectSession, *, secret: str, filled: Filled = NOTHING_FILLED
) -> web.Response:
    platforms, connect = request.app[keys.PLATFORMS], request.app[keys.CONNECT_ACCOUNT]
    who = await connect.guest(session)
    invitation = Invitation(
        platform_label=platforms.label(session.platform),
        user_name=who.user_name,
        account_label=who.renewed.label if who.renewed else None,
        proof=browser.proof_of(secret, session_id=session.id),
        failure=session.failure or "",
    )
    if session.flow is ConnectFlow.REDIRECT:
        headers = sign_in_pages.redirect_policy(goals=connect.goals(session))
        if session.is_handed_in:
            return _html(
                sign_in_pages.paste(invitation, redirect_uri=session.redirect_uri or ""), headers=headers
            )
        return _html(sign_in_pages.redirect(invitation), headers=headers)
    form = platforms.connect_form(session.platform)
    if session.flow is ConnectFlow.FORM and form is not None:
        is_plain = not redirect_uri.is_trusted_origin(connect.page_url(session.id))
        text = sign_in_pages.form(invitation, fields=form.fields, filled=filled, is_plain=is_plain)
        return _html(text, headers=sign_in_pages.form_policy())
    script = platforms.browser_sign_in(session.platform)
    if script is None:
        raise ConnectFailed("This platform is connected in another way: start to connect again.")
    text = sign_in_pages.musickit(
        invitation,
        script_url=script.script_url,
        token=script.page_token(origin=redirect_uri.origin_of(connect.page_url(session.id))),
        is_fresh=session.failure_code == ConnectFailed.code or who.is_dead,
    )
    return _html(text, headers=sign_in_pages.musickit_policy(sources=script.sources))


async def _form(request: web.Request) -> PageForm:
    content = await request.read()
    if request.content_type != _FORM:
        fault = FieldFault("/headers/Content-Type", f"A form is sent as {_FORM}.")
        raise ValidationFailed("This is not sent by a page of ours.", faults=(fault,))
    try:
        fields = dict(parse_qsl(content.decode(), max_num_fields=30))
    except ValueError:
        fields = {}
    form = {name.removeprefix(_FIELD): fields.pop(name) for name in tuple(fields) if name.startswith(_FIELD)}
    return msgspec.structs.replace(decode_query(fields, into=PageForm, prefix=""), form=form)


def _cookie_name(request: web.Request) -> tuple[str, bool]:
    """Return the cookie's name and whether the connection is encrypted: then nobody else can have set it."""
    is_secure = request.app[keys.ADDRESS].url.startswith("https://")
    return ("__Host-crossplay_browser" if is_secure else "crossplay_browser"), is_secure


def _browser_of(request: web.Request) -> str:
    name, _ = _cookie_name(request)
    return request.cookies.get(name, "")


def _remember(response: web.Response, request: web.Request, *, secret: str) -> None:
    name, is_secure = _cookie_name(request)
    # Lax: the platform's sign-in leads back here from its own site.
    response.set_cookie(
        name,
        secret,
        max_age=int(2 * SESSION_LIFE_S),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure,
    )


def _lead_to(address: str) -> web.Response:
    return web.Response(status=303, headers={**pages.HEADERS, hdrs.LOCATION: address})


def _html(text: str, *, headers: dict[str, str]) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=headers)


ROUTES = (
    Operation(
        method="GET",
        path="/connect/sessions/{id}/page",
        handler=for_browsers(show_page),
        name="showConnectPage",
        summary="The page on which the user goes on, in the browser that is to be signed in.",
        answers={200: None, 303: None},
        texts=("text/html",),
        problems=("not-found", "connect-failed", "store-unavailable"),
        is_open=True,
    ),
    Operation(
        method="POST",
        path="/connect/sessions/{id}/page",
        handler=for_browsers(take_form),
        name="sendConnectPage",
        summary="What that page sends; it leads on to the platform or the result, or shows what is wrong.",
        answers={200: None, 303: None},
        texts=("text/html",),
        problems=("validation", "not-found", "connect-failed", "body-too-large", "store-unavailable"),
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/connect/{platform}/callback",
        handler=for_browsers(come_back),
        name="finishConnect",
        summary="Where a platform's sign-in sends the browser back; it leads on to the result's page.",
        query=CallbackQuery,
        answers={303: None},
        problems=("validation", "unknown-platform", "connect-failed", "store-unavailable"),
        is_open=True,
    ),
    Operation(
        method="GET",
        path="/connect/sessions/{id}/done",
        handler=for_browsers(show_result),
        name="showConnectResult",
        summary="The page that tells the user how the sign-in ended.",
        answers={200: None},
        texts=("text/html",),
        problems=("not-found", "store-unavailable"),
        is_open=True,
    ),
)
