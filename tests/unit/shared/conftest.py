"""What tests of logging have in common."""

import logging
import sys
from collections.abc import Iterator

import pytest
from loguru import logger


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Give loguru and logging back as they were: they are the process's own."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logger.remove()
    logger.add(sys.stderr)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
