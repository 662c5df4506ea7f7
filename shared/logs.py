"""Logs of one process: JSON lines or text for people, with trace ids and without secrets."""

import functools
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC
from types import TracebackType
from typing import TYPE_CHECKING, Any, get_args

from loguru import logger
from opentelemetry import trace

from shared import log_text
from shared.redaction import known_values, redact
from shared.settings import LogLevel, Settings

if TYPE_CHECKING:
    from loguru import Message, Record

LEVELS = get_args(LogLevel)
_OUR_PACKAGES = ("gateway", "worker", "shared", "deploy")


class _LibraryLogs(logging.Handler):
    """Hands the records of libraries to loguru, under the library's own logger name."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname if record.levelname in LEVELS else record.levelno
        library_logger = logger.patch(lambda target: target.__setitem__("name", record.name))
        library_logger.opt(exception=record.exc_info).log(level, record.getMessage())


class _CalmExporter(logging.Filter):
    """Lets OpenTelemetry speak once a minute: without its receiver it complains at each batch."""

    def __init__(self) -> None:
        super().__init__()
        self._next_at_s = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        is_due = time.monotonic() >= self._next_at_s
        if is_due:
            self._next_at_s = time.monotonic() + 60.0
        return is_due


def configure(settings: Settings) -> None:
    """Send our logs and the libraries' to stderr: JSON lines, or text for people on a terminal."""
    level = settings.log_level
    is_terminal = sys.stderr.isatty()
    is_text = settings.log_format == "text" or (settings.log_format == "auto" and is_terminal)
    logger.remove()
    is_colored = is_terminal and "NO_COLOR" not in os.environ
    logger.add(
        _writer(settings, is_text=is_text, is_colored=is_colored),
        level=level,
        format=lambda _: "",  # what is written is made from the record, which says what is whose text
        backtrace=False,
        diagnose=False,  # it would print variables, tokens too
    )
    library_logs = _LibraryLogs()
    library_logs.addFilter(_CalmExporter())
    # Libraries tell each request and each connection at INFO: that is for those who ask for DEBUG.
    logging.basicConfig(handlers=[library_logs], level="INFO" if level == "DEBUG" else "WARNING", force=True)


def event_of(message: str) -> str:
    """Write a constant message as one word: `Lease lost` is `lease_lost`."""
    return re.sub(r"[^a-z0-9]+", "_", message.casefold()).strip("_")


def tell_uncaught() -> None:
    """Log what ends a thread or the process from now on, without the secrets that its text may hold."""
    sys.excepthook = _tell_uncaught
    threading.excepthook = lambda ended: _tell_uncaught(ended.exc_type, ended.exc_value, ended.exc_traceback)


def _writer(settings: Settings, *, is_text: bool, is_colored: bool) -> "Callable[[Message], None]":
    """Return what writes a record to stderr, without secrets."""
    blank = functools.partial(redact, known=known_values(settings))

    def write(message: "Message") -> None:
        if is_text:  # blanked before it is cut into lines, which a secret may go over
            text = _text_lines(message.record, blank=blank, is_colored=is_colored)
        else:
            text = blank(_json_line(message.record)) + "\n"
        sys.stderr.write(text)

    return write


def _tell_uncaught(
    kind: type[BaseException], error: BaseException | None, origin: TracebackType | None
) -> None:
    """Log what ends the process: Python itself would print it as it is, with what its text holds."""
    if issubclass(kind, KeyboardInterrupt) or error is None:
        sys.__excepthook__(kind, error or kind(), origin)
        return
    logger.opt(exception=(kind, error, origin)).critical("Ended by an unexpected fault")


def _text_lines(record: "Record", *, blank: Callable[[str], str], is_colored: bool) -> str:
    """Write a record for people: one line, and below it, indented, the stack of an exception."""
    dim, plain = ("\x1b[2m", "\x1b[0m") if is_colored else ("", "")
    extra = {name: value for name, value in record["extra"].items() if value is not None}
    line = (
        f"{dim}{record['time']:%H:%M:%S}.{record['time'].microsecond // 1000:03}{plain} "
        f"{record['level'].name: <7} {log_text.visible(blank(record['message']))} "
        f"{dim}{log_text.visible(blank(str(extra)))}{plain}\n"
    )
    stack = blank(_stack(record)).splitlines()
    return line + "".join(f"  | {log_text.visible(one)}\n" for one in stack)


def _stack(record: "Record") -> str:
    error = record["exception"]
    if error is None or error.type is None:
        return ""
    return "".join(traceback.format_exception(error.type, error.value, error.traceback))


def _event(record: "Record") -> dict[str, str]:
    """Return our message as a word that programs can look for; those of libraries are none."""
    package = (record["name"] or "").partition(".")[0]
    if package not in _OUR_PACKAGES:
        return {}
    return {"event": event_of(record["message"])}


def _json_line(record: "Record") -> str:
    line: dict[str, Any] = {
        "ts": record["time"].astimezone(UTC).isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        **_event(record),
        "message": record["message"],
        "logger": record["name"],
        **{name: value for name, value in record["extra"].items() if value is not None},
    }
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
        line["span_id"] = trace.format_span_id(span.span_id)
    error = record["exception"]
    if error is not None and error.type is not None:
        line["exception"] = {"type": error.type.__qualname__, "stack": _stack(record)}
    return log_text.json_line(line)
