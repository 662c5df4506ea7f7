"""In which of the ways a platform's accounts are linked."""

from gateway.actions.accounts import PlatformsPort
from shared.db.connect_sessions import ConnectFlow
from shared.models import Platform


def flow_of(platforms: PlatformsPort, platform: Platform) -> ConnectFlow:
    """Raises PlatformNotConfigured."""
    if platforms.oauth(platform) is not None:
        return ConnectFlow.REDIRECT
    return ConnectFlow.FORM if platforms.connect_form(platform) else ConnectFlow.BROWSER_TOKEN
