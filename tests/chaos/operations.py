"""What each sandbox calls the calls that troubles strike."""

from shared.models import Platform
from shared.platforms.registry import declarations
from tests.contract.sandboxes import FLAVORS


def adding(platform: str) -> str:
    """Return the operation that adds tracks to a playlist."""
    return FLAVORS[platform].add


def looking_up(platform: str) -> list[str]:
    """Return the operations by which a catalog is asked."""
    can = declarations()[Platform(platform)].capabilities
    by_isrc, by_text = FLAVORS[platform].look_up
    albums = ["get_album_tracks"] if can.has_albums else []
    return [by_text, *albums, *([by_isrc] if by_isrc != by_text else [])]
