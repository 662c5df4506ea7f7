"""The pages on which a user connects an account, and the result that ends it."""

from collections.abc import Mapping, Sequence
from html import escape

import msgspec

from gateway import pages
from shared.db.connect_sessions import ConnectStatus
from shared.platforms.forms import FieldKind, FormField

_RESULTS = {
    ConnectStatus.PENDING: ("Not finished yet", "The sign-in is still under way in another window."),
    ConnectStatus.DENIED: ("Not connected", "You did not allow it, and nothing was stored."),
    ConnectStatus.EXPIRED: ("Too late", "The sign-in took more than ten minutes. Start to connect again."),
    ConnectStatus.FAILED: ("Not connected", "The sign-in failed. Start to connect again."),
}

_KEY_REFUSED = "Apple does not accept this server's developer key: its operator has to look after it."
# MusicKit's own words for what can go wrong (developer.apple.com/documentation/musickitjs, read 2026-11-22).
_MUSICKIT_ERRORS = {
    "AUTHORIZATION_ERROR": "Apple Music was not allowed, or its window was closed: try again.",
    "ACCESS_DENIED": "Apple Music was not allowed: try again.",
    "SUBSCRIPTION_ERROR": "This account has no Apple Music subscription, which a transfer needs.",
    "UNAUTHORIZED_ERROR": _KEY_REFUSED,
    "CONFIGURATION_ERROR": _KEY_REFUSED,
    "TOKEN_EXPIRED": "This page is too old: load it again.",
    "NETWORK_ERROR": "Apple Music cannot be reached: try again.",
    "QUOTA_EXCEEDED": "Apple Music wants us to wait: try again in a minute.",
    "SERVICE_UNAVAILABLE": "Apple Music has a fault: try again in a minute.",
    "script": "Apple's sign-in could not be loaded: allow its scripts on this page, and load it again.",
    "insecure": "Apple's sign-in works on https pages and on 127.0.0.1 only.",
    "other": "Apple Music did not sign you in: try again.",
}

# The button is enabled when MusicKit is ready, so that its click can open a window at once: browsers allow
# that in a click alone. A token that was refused before is given back first, or MusicKit would repeat it.
_MUSICKIT = """\
const form = document.forms[0], button = form.elements.begin, line = document.querySelector('[role=status]');
const token = form.elements.music_user_token, texts = JSON.parse(form.dataset.errors);
const tell = (error) => {
  line.textContent = texts[error && (error.errorCode || error.name)] || texts[error] || texts.other;
};
document.addEventListener('musickitloaded', async () => {
  try {
    await MusicKit.configure({developerToken: form.dataset.token, app: {name: 'Crossplay', build: '1'}});
    // A token that is dead already may be refused here too; it is forgotten all the same.
    if (form.dataset.fresh) await MusicKit.getInstance().unauthorize().catch(() => {});
    button.disabled = false;
  } catch (error) { tell(error); }
});
button.addEventListener('click', async () => {
  button.disabled = true;
  line.textContent = '';
  try {
    token.value = await MusicKit.getInstance().authorize();
    token.disabled = false;
    form.submit();
  } catch (error) { tell(error); button.disabled = false; }
});
if (!window.isSecureContext) tell('insecure');
const script = document.createElement('script');
script.src = form.dataset.script;
script.addEventListener('error', () => tell('script'));
document.head.append(script);
"""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says to a user who is about to connect. failure: why the last try failed, maybe empty."""

    platform_label: str
    user_name: str
    account_label: str | None
    proof: str
    failure: str

    def __repr__(self) -> str:
        return f"Invitation(platform_label={self.platform_label!r}, …)"  # the proof stands for the browser


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What a user has sent and what is wrong with it, by the fields' names. Secrets are not shown again."""

    values: Mapping[str, str] = {}
    faults: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return "Filled(…)"


NOTHING_FILLED = Filled()


def redirect(invitation: Invitation) -> str:
    """Ask whether to go to the platform's sign-in."""
    label = invitation.platform_label
    form = f'<form method="post">{_proof(invitation)}{_button("go", f"Continue to {label}")} {_DENY}</form>'
    return pages.document(_title(invitation), _opening(invitation) + form)


def paste(invitation: Invitation, *, redirect_uri: str) -> str:
    """Lead to the platform's sign-in in another window, and take the address at which it ends."""
    label = invitation.platform_label
    begin = (
        f'<form method="post" target="_blank">{_proof(invitation)}{_button("go", f"1. Open {label}")}</form>'
        "<p>2. Agree there. Your browser then cannot open a page that begins with "
        f"<code>{escape(redirect_uri)}</code>. That is as it should be: copy its whole address.</p>"
    )
    end = (
        f'<form method="post">{_proof(invitation)}<p><label>3. Paste it here: '
        '<input name="address" type="text" autocomplete="off" required></label></p>'
        "<button>Connect</button></form>"
        f'<form method="post">{_proof(invitation)}{_DENY}</form>'
    )
    return pages.document(_title(invitation), _opening(invitation) + begin + end)


def musickit(invitation: Invitation, *, script_url: str, token: str, is_fresh: bool) -> str:
    """Sign in with the platform's own script. token: everybody may see it. is_fresh: forget a token first."""
    data = {
        "script": script_url,
        "token": token,
        "errors": msgspec.json.encode(_MUSICKIT_ERRORS).decode(),
        "fresh": "1" if is_fresh else "",
    }
    label = escape(invitation.platform_label)
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    form = (
        f'<form method="post" {attributes}>{_proof(invitation)}'
        '<input type="hidden" name="music_user_token" disabled>'
        f'<button type="button" name="begin" disabled>Sign in with {label}</button> {_DENY}</form>'
        '<p role="status"></p>'
        "<noscript><p>This page needs JavaScript, because Apple signs in with it.</p></noscript>"
    )
    return pages.document(_title(invitation), f"{_opening(invitation)}{form}<script>{_MUSICKIT}</script>")


def form(invitation: Invitation, *, fields: Sequence[FormField], filled: Filled, is_plain: bool) -> str:
    """Ask for what the platform wants to know. is_plain: nothing protects it on its way to this server."""
    warning = (
        "<p><strong>This page has no TLS: whoever is between you and this server can read what you type."
        "</strong></p>"
        if is_plain
        else ""
    )
    rows = "".join(_row(one, filled=filled) for one in fields)
    body = f'<form method="post">{_proof(invitation)}{rows}<button>Connect</button></form>'
    deny = f'<form method="post">{_proof(invitation)}{_DENY}</form>'
    return pages.document(_title(invitation), f"{_opening(invitation)}{warning}{body}{deny}")


def form_policy() -> dict[str, str]:
    """Return the headers of the page with the form: it is sent here, and nowhere else."""
    return pages.headers(form_action="'self'")


def redirect_policy(*, goals: Sequence[str]) -> dict[str, str]:
    """Return the headers of a page whose form leads on to these origins: browsers check each redirect."""
    return pages.headers(form_action=" ".join(("'self'", *goals)))


def musickit_policy(*, sources: tuple[str, ...]) -> dict[str, str]:
    """Return the headers of the page with the script. No policy on openers: its window answers by one."""
    admitted = " ".join(sources)
    return pages.headers(
        form_action="'self'",
        script_src=f"{pages.source_of(_MUSICKIT)} {admitted}",
        connect_src=admitted,
        frame_src=admitted,
    )


def result(
    status: ConnectStatus, *, platform_label: str, account_label: str | None, failure: str | None
) -> str:
    """Tell how a sign-in ended."""
    if status is ConnectStatus.CONNECTED:
        who = f" as {account_label}" if account_label else ""
        return pages.page("Connected", f"{platform_label} is connected{who}. You can close this window.")
    title, text = _RESULTS[status]
    return pages.page(f"{platform_label}: {title}", failure or text)


def _title(invitation: Invitation) -> str:
    return f"Connect {invitation.platform_label}"


def _opening(invitation: Invitation) -> str:
    again = f"Sign in as {invitation.account_label} again. " if invitation.account_label else ""
    text = (
        f"{again}With this, the Crossplay account {invitation.user_name} can read your playlists at "
        f"{invitation.platform_label}, and make and change playlists there. Go on only if you have started "
        "this yourself: if somebody sent you this address, they would get that access."
    )
    alert = f'<p role="alert">{escape(invitation.failure)}</p>' if invitation.failure else ""
    return f"{alert}<p>{escape(text)}</p>"


def _row(field: FormField, *, filled: Filled) -> str:
    name, is_secret = escape(field.name), field.kind is FieldKind.SECRET
    fault = filled.faults.get(field.name)
    attributes = [
        f'id="f-{name}" name="form.{name}" type="{"password" if is_secret else "text"}"',
        'autocomplete="off" autocapitalize="off" spellcheck="false"',
        f'aria-describedby="h-{name}"',
    ]
    if field.is_required:
        attributes.append("required")
    if field.kind is FieldKind.ADDRESS:
        attributes.append('inputmode="url"')
    if not is_secret and (value := filled.values.get(field.name)):
        attributes.append(f'value="{escape(value)}"')
    if fault:
        attributes.append('aria-invalid="true"')
    said = f'<strong role="alert">{escape(fault)}</strong> ' if fault else ""
    hint = f'<br><span id="h-{name}">{said}<small>{escape(field.help)}</small></span>'
    return f'<p><label for="f-{name}">{escape(field.label)}</label> <input {" ".join(attributes)}>{hint}</p>'


def _proof(invitation: Invitation) -> str:
    return f'<input type="hidden" name="proof" value="{escape(invitation.proof)}">'


def _button(name: str, text: str) -> str:
    return f'<button name="{name}" value="1">{escape(text)}</button>'


_DENY = _button("deny", "Do not connect")
