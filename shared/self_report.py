"""What a role logs of itself when it starts: with which release and settings, and which it does not know."""

from collections.abc import Mapping
from importlib.metadata import version

from loguru import logger

from shared.config_hash import config_hash
from shared.environment import unknown_variables
from shared.settings import Settings


def tell_settings(settings: Settings, *, environ: Mapping[str, str]) -> None:
    """Log one line, and one more for each variable that looks like a setting and is none."""
    for unknown in unknown_variables(environ):
        logger.bind(variable=unknown.variable, meant=unknown.meant).warning("Unknown setting")
    logger.bind(config_hash=config_hash(settings), version=version("crossplay")).info("Settings read")
