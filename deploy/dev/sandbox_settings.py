"""The settings with which gateway and workers use sandboxes instead of the platforms themselves."""

from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

TEAM_ID, KEY_ID = "SANDBOX001", "SANDBOXKEY"

# What suits a sandbox: nobody has to be spared, and a crash is got over in seconds.
DEFAULTS = {
    "SPOTIFY_REQUESTS_PER_S": "200",
    "APPLE_MUSIC_REQUESTS_PER_S": "200",
    "SPOTIFY_VISIBILITY_S": "0.5",
    "APPLE_MUSIC_VISIBILITY_S": "0.5",
    "LEASE_S": "8",
    "SEND_TIMEOUT_S": "3",
    "SWEEP_S": "0.5",
}


def sandbox_settings(urls: Mapping[str, str], *, apple_private_key: str) -> dict[str, str]:
    """Return settings by name, without their prefix. urls: of each sandbox, by platform."""
    return {
        "SPOTIFY_CLIENT_ID": "crossplay-sandbox",
        "SPOTIFY_CLIENT_SECRET": "",
        "SPOTIFY_API_URL": f"{urls['spotify']}/v1",
        "SPOTIFY_ACCOUNTS_URL": urls["spotify"],
        "APPLE_MUSIC_TEAM_ID": TEAM_ID,
        "APPLE_MUSIC_KEY_ID": KEY_ID,
        "APPLE_MUSIC_PRIVATE_KEY": apple_private_key,
        "APPLE_MUSIC_API_URL": f"{urls['apple_music']}/v1",
        "APPLE_MUSIC_MUSICKIT_URL": f"{urls['apple_music']}/musickit/v3/musickit.js",
    }


def new_apple_key() -> str:
    """Make a developer's private key as PEM text; a sandbox accepts any."""
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode()
