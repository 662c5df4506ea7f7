"""Connect an account: by the platform's own sign-in with PKCE, a token that a browser gets, or a form."""

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Mapping

import msgspec
from loguru import logger

from gateway.actions import redirect_uri
from gateway.actions.accounts import PlatformsPort, SignIn, parse_id
from gateway.actions.browser import digest_of
from gateway.actions.connect_flow import flow_of
from gateway.actions.fill_form import fill_form
from gateway.actions.link_account import LinkAccount
from gateway.actions.refusals import ConnectFirst
from gateway.actions.sign_in_answer import ADDRESS_FAULT, Answer, answer_in
from shared.cipher import Cipher, SealBroken
from shared.db import connect_sessions, connections, users
from shared.db.connect_sessions import ConnectFlow, ConnectSession, ConnectStatus, NewConnectSession
from shared.db.connections import Connection, ConnectionState
from shared.db.pool import Pool
from shared.db.seals import verifier_context
from shared.errors import ConnectFailed, CrossplayError, FieldFault, NotFound, ValidationFailed
from shared.models import ConnectionId, Platform, TokenSet, UserId
from shared.platforms.forms import SignInInput
from shared.platforms.oauth import Verifier, new_verifier

SESSION_LIFE_S = 600.0

_AGAIN = "start to connect again."


class ConnectWish(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is to be connected. renews: an id of ours.

    is_handed_in: whoever asks brings the address that the platform's sign-in ends at. user_token: what a
    browser was given already. form: what the user has filled in already.
    """

    renews: str | None = None
    is_another: bool = False
    is_handed_in: bool = False
    user_token: str | None = None
    form: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return "ConnectWish(…)"


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """page_url: what the user opens. authorize_url: of the platform, for who hands the answer in."""

    session: ConnectSession
    page_url: str
    authorize_url: str | None = None

    def __repr__(self) -> str:
        return f"Started(page_url={self.page_url!r}, …)"  # the platform's address holds the state


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Who is about to connect what. renewed: the connection that is meant, None for a new one."""

    user_name: str
    renewed: Connection | None

    @property
    def is_dead(self) -> bool:
        """Whether what the browser may still hold of that connection is not accepted any more."""
        return self.renewed is not None and self.renewed.state is not ConnectionState.CONNECTED


class ConnectAccount:
    """Links accounts to users. A connection stands only after the platform said whose account it is."""

    def __init__(
        self,
        *,
        pool: Pool,
        platforms: PlatformsPort,
        link: LinkAccount,
        cipher: Cipher,
        public_url: Callable[[], str],
    ) -> None:
        self._pool = pool
        self._platforms = platforms
        self._link = link
        self._cipher = cipher
        self._public_url = public_url

    async def start(self, user_id: UserId, platform: Platform, wish: ConnectWish) -> Started:
        """Begin the platform's own flow; with a user's token, or a filled form, it ends at once.

        Raises PlatformNotConfigured, RedirectUriImpossible, ValidationFailed, ConnectFirst, and what
        LinkAccount and fill_form raise.
        """
        if self._platforms.is_kept_here(platform):
            return await self._start_at_home(user_id, platform, wish)
        flow = flow_of(self._platforms, platform)
        self._require_fit(wish, flow, label=self._platforms.label(platform))
        uri, is_handed_in = None, False
        if flow is ConnectFlow.REDIRECT:
            uri, is_handed_in = self._way_back(platform, is_handed_in=wish.is_handed_in)
        new = NewConnectSession(
            id=str(uuid.uuid4()),
            user_id=user_id,
            platform=platform,
            flow=flow,
            renews=await self._renewed(user_id, platform, wish.renews),
            is_another=wish.is_another,
            redirect_uri=uri,
            is_handed_in=is_handed_in,
        )
        session = await connect_sessions.insert(self._pool, new, life_s=SESSION_LIFE_S)
        if wish.user_token is not None:
            await self.take_token(session, wish.user_token)
        elif wish.form is not None:
            await self.take_form(session, wish.form)
        authorize_url = await self._set_out(session, browser=None) if session.is_handed_in else None
        return Started(
            session=await self.session(session.id),
            page_url=self.page_url(session.id),
            authorize_url=authorize_url,
        )

    async def _start_at_home(self, user_id: UserId, platform: Platform, wish: ConnectWish) -> Started:
        """Connect what stands in our own database, at once."""
        if wish.user_token is not None or wish.form is not None:
            field = "form" if wish.user_token is None else "music_user_token"
            fault = FieldFault(
                f"/{field}", f"Nobody signs in to {self._platforms.label(platform)}: leave it out."
            )
            raise ValidationFailed("The body does not fit this platform.", faults=(fault,))
        new = NewConnectSession(
            id=str(uuid.uuid4()),
            user_id=user_id,
            platform=platform,
            flow=ConnectFlow.BROWSER_TOKEN,
            renews=await self._renewed(user_id, platform, wish.renews),
            is_another=False,
            redirect_uri=None,
            is_handed_in=False,
        )
        session = await connect_sessions.insert(self._pool, new, life_s=SESSION_LIFE_S)
        await self._end(session, await self._link.at_home(user_id, platform))
        return Started(session=await self.session(session.id), page_url=self.page_url(session.id))

    def page_url(self, session_id: str) -> str:
        """Return the address of the page on which the user goes on."""
        return f"{redirect_uri.page_base(self._public_url())}/connect/sessions/{session_id}/page"

    async def session(self, session_id: str, *, user_id: UserId | None = None) -> ConnectSession:
        """Return a session, of this user where one is given. Raises NotFound."""
        parsed = parse_id(session_id)
        session = await connect_sessions.get(self._pool, parsed) if parsed else None
        if session is None or user_id not in (None, session.user_id):
            raise NotFound("There is no such attempt to connect.")
        return session

    async def connection_of(self, session: ConnectSession) -> Connection | None:
        if session.connection_id is None:
            return None
        return await connections.get(self._pool, session.connection_id, user_id=session.user_id)

    async def guest(self, session: ConnectSession) -> Guest:
        """Return for whom the session is."""
        renewed = None
        if session.renews is not None:
            renewed = await connections.get(self._pool, session.renews, user_id=session.user_id)
        return Guest(user_name=await users.read_name(self._pool, session.user_id), renewed=renewed)

    def goals(self, session: ConnectSession) -> tuple[str, ...]:
        """Return the origins that setting out leads through: the platform's sign-in, and where that ends."""
        ways = (self._sign_in(session).sign_in_url, session.redirect_uri or "")
        return tuple(redirect_uri.origin_of(way) for way in ways if way)

    async def leave(self, session: ConnectSession, *, browser: str) -> str:
        """Return the platform's address for this browser, which alone can bring the answer. See _set_out."""
        return await self._set_out(session, browser=browser)

    async def deny(self, session: ConnectSession) -> None:
        """End a session whose user does not want it."""
        text = "You did not allow it, and nothing was stored."
        await self._close(session, ConnectStatus.DENIED, code="denied", failure=text)

    async def come_back(self, platform: Platform, answer: Answer, *, browser: str) -> str:
        """Take what the browser brought back; return the session's id, which then knows its end.

        Raises ConnectFailed where no session waits for this answer from this browser.
        """
        session = await connect_sessions.find_by_state(
            self._pool, state_sha256=_digest(answer.state), platform=platform
        )
        if session is None:
            raise ConnectFailed(f"This sign-in was not started here, or long ago: {_AGAIN}")
        if session.is_handed_in:
            raise ConnectFailed("Copy this page's address, and paste it where you have started to connect.")
        if not _is_same(browser, session):
            raise ConnectFailed(f"This sign-in belongs to another browser: {_AGAIN}")
        await self._settle(session, answer)
        return session.id

    async def hand_in(self, session: ConnectSession, address: str, *, browser: str | None) -> None:
        """Take the address at which the platform's sign-in has ended. browser: None for a program.

        Raises ValidationFailed for another address, ConnectFailed where it comes too late.
        """
        answer = answer_in(address)
        is_known = session.state_sha256 is not None and hmac.compare_digest(
            session.state_sha256, _digest(answer.state)
        )
        if not is_known or (browser is not None and not _is_same(browser, session)):
            raise ValidationFailed("This address does not belong to this sign-in.", faults=(ADDRESS_FAULT,))
        await self._settle(session, answer)

    async def take_token(self, session: ConnectSession, user_token: str) -> None:
        """Take the token that the user's browser was given. Raises what LinkAccount raises."""
        if session.flow is not ConnectFlow.BROWSER_TOKEN:
            raise ConnectFailed(f"This sign-in takes no token: {_AGAIN}")
        self._require_pending(session)
        await self._end(
            session, await self._link(session, SignInInput(tokens=TokenSet(access_token=user_token)))
        )

    async def take_form(self, session: ConnectSession, values: Mapping[str, str]) -> None:
        """Take what the user has filled in. Raises what fill_form raises."""
        form = self._platforms.connect_form(session.platform)
        if session.flow is not ConnectFlow.FORM or form is None:
            raise ConnectFailed(f"This sign-in takes no form: {_AGAIN}")
        self._require_pending(session)
        label = self._platforms.label(session.platform)
        await self._end(session, await fill_form(self._link, session, form=form, values=values, label=label))

    async def note(self, session: ConnectSession, error: CrossplayError) -> None:
        """Let a session that can be tried again say why a try has failed."""
        text = " ".join((str(error), *(fault.detail for fault in faults_of(error))))
        await connect_sessions.note(self._pool, session.id, code=error.code, failure=text)

    def _require_fit(self, wish: ConnectWish, flow: ConnectFlow, *, label: str) -> None:
        """Raise ValidationFailed for what another way needs, RedirectUriImpossible where there is none."""
        faults = []
        if wish.user_token is not None and flow is not ConnectFlow.BROWSER_TOKEN:
            faults.append(FieldFault("/music_user_token", f"{label} has no such token: leave it out."))
        if wish.form is not None and flow is not ConnectFlow.FORM:
            faults.append(FieldFault("/form", f"{label} is connected in a browser: leave it out."))
        if faults:
            raise ValidationFailed("The body does not fit this platform.", faults=tuple(faults))
        if flow is ConnectFlow.BROWSER_TOKEN and wish.user_token is None:
            redirect_uri.require_trusted_origin(self._public_url(), label=label)

    def _way_back(self, platform: Platform, *, is_handed_in: bool) -> tuple[str, bool]:
        """Return where the platform sends the browser, here unless it would refuse that; and if it is not."""
        url = self._public_url()
        if is_handed_in or not redirect_uri.is_trusted_origin(redirect_uri.page_base(url)):
            return redirect_uri.hand_in_uri(url, platform=platform), True
        return redirect_uri.redirect_uri(url, platform=platform), False

    async def _renewed(self, user_id: UserId, platform: Platform, text: str | None) -> ConnectionId | None:
        if text is None:
            return None
        connection_id = parse_id(text)
        found = None
        if connection_id is not None:
            found = await connections.get(self._pool, ConnectionId(connection_id), user_id=user_id)
        if found is None or found.platform is not platform:
            label = self._platforms.label(platform)
            raise ConnectFirst(f"You have no such connection to {label}.", platform=platform)
        return found.id

    async def _set_out(self, session: ConnectSession, *, browser: str | None) -> str:
        """Return the platform's sign-in address with a state and a challenge of its own.

        Whoever set out before in the same attempt cannot end it any more. Raises ConnectFailed where it is
        over.
        """
        sign_in = self._sign_in(session)
        state, verifier = secrets.token_urlsafe(32), new_verifier()
        is_open = await connect_sessions.set_out(
            self._pool,
            session.id,
            state_sha256=_digest(state),
            sealed_verifier=self._cipher.seal(
                verifier, context=verifier_context(session.id, session.platform)
            ),
            browser_sha256=digest_of(browser) if browser is not None else None,
        )
        if not is_open or session.redirect_uri is None:
            raise ConnectFailed(f"This sign-in is over: {_AGAIN}")
        return sign_in.authorize_url(state=state, verifier=verifier, redirect_uri=session.redirect_uri)

    def _sign_in(self, session: ConnectSession) -> SignIn:
        sign_in = self._platforms.oauth(session.platform)
        if sign_in is None:
            raise ConnectFailed(f"This sign-in does not lead to the platform: {_AGAIN}")
        return sign_in

    async def _settle(self, session: ConnectSession, answer: Answer) -> None:
        """Use up the session with the platform's answer; the session then knows its end."""
        if not await connect_sessions.take(self._pool, session.id, state_sha256=_digest(answer.state)):
            self._require_pending(await self.session(session.id))
            raise ConnectFailed(f"This sign-in is over: {_AGAIN}")
        if answer.error is not None:
            await self._refuse(session, answer.error)
            return
        try:
            tokens = await self._exchange(session, answer)
            await self._end(session, await self._link(session, SignInInput(tokens=tokens)))
        except CrossplayError as error:
            await self._close(session, ConnectStatus.FAILED, code=error.code, failure=str(error))
        except Exception:
            text = f"An unexpected fault: {_AGAIN}"
            await self._close(session, ConnectStatus.FAILED, code="internal", failure=text)
            raise

    def _require_pending(self, session: ConnectSession) -> None:
        """Raise ConnectFailed for a session that takes no answer any more."""
        if session.status is ConnectStatus.EXPIRED:
            raise ConnectFailed(f"This sign-in took more than ten minutes: {_AGAIN}")
        if session.is_used or session.status is not ConnectStatus.PENDING:
            raise ConnectFailed("This sign-in has been used already: each one works once.")

    async def _refuse(self, session: ConnectSession, error: str) -> None:
        if error in _DENIED:
            await self.deny(session)
            return
        label = self._platforms.label(session.platform)
        text = f"{label} broke the sign-in off: {_AGAIN}"
        await self._close(session, ConnectStatus.FAILED, code="connect-failed", failure=text)

    async def _exchange(self, session: ConnectSession, answer: Answer) -> TokenSet:
        sign_in = self._sign_in(session)
        if not answer.code or session.sealed_verifier is None or session.redirect_uri is None:
            raise ConnectFailed(f"The sign-in came back without a code: {_AGAIN}")
        context = verifier_context(session.id, session.platform)
        try:
            verifier = Verifier(self._cipher.open(session.sealed_verifier, context=context))
        except SealBroken as error:
            logger.bind(platform=session.platform, reason=str(error)).error("Verifier cannot be opened")
            raise ConnectFailed(f"This server got other keys meanwhile: {_AGAIN}") from error
        tokens = await sign_in.exchange(
            code=answer.code, verifier=verifier, redirect_uri=session.redirect_uri
        )
        missing = set(sign_in.scopes) - set(tokens.scopes)
        if tokens.scopes and missing:
            raise ConnectFailed("Not everything was allowed that a transfer needs: connect again, allow all.")
        return tokens

    async def _end(self, session: ConnectSession, connection: Connection) -> None:
        await connect_sessions.finish(
            self._pool, session.id, status=ConnectStatus.CONNECTED, connection_id=connection.id
        )

    async def _close(
        self, session: ConnectSession, status: ConnectStatus, *, code: str, failure: str
    ) -> None:
        await connect_sessions.finish(self._pool, session.id, status=status, code=code, failure=failure)
        logger.bind(platform=session.platform, status=status, code=code).info("Account not connected")


_DENIED = ("access_denied", "user_denied")


def faults_of(error: CrossplayError) -> tuple[FieldFault, ...]:
    """Return the fields that an error is about."""
    return error.faults if isinstance(error, (ValidationFailed, ConnectFailed)) else ()


def _is_same(browser: str, session: ConnectSession) -> bool:
    known = session.browser_sha256
    return known is not None and bool(browser) and hmac.compare_digest(known, digest_of(browser))


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode(errors="replace")).digest()
