"""How a running transfer looks: a live panel for people, a line per change for logs, JSON for programs."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from deploy.cli.output import Format, has_panel, print_json, say
from deploy.cli.standing import cure_of, step_of
from deploy.cli.wire import Status, read_status

BAR_WIDTH_COUNT = 60
# In the order of the bar: what is done, on its way, wanting a look, not to be had, not begun.
SEGMENTS = {
    "written": ("green", "█"),
    "already_present": ("cyan", "█"),
    "removed": ("green", "▓"),
    "ready": ("blue", "▓"),
    "deferred": ("magenta", "▒"),
    "review": ("yellow", "█"),
    "unmatched": ("red", "█"),
    "not_transferable": ("bright_black", "█"),
    "skipped": ("bright_black", "▓"),
    "failed": ("bright_red", "█"),
    "pending": ("bright_black", "░"),
}


class Progress(Protocol):
    """Shows each new revision of the status resource while it is entered."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, body: Mapping[str, Any]) -> None: ...


def progress_for(output: Format) -> Progress:
    if has_panel(output):
        return PanelProgress(Console(stderr=True))
    return JsonLinesProgress() if output is Format.JSONL else LineProgress()


class PanelProgress:
    """Redraws one panel; it stays where it is at the end."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, body: Mapping[str, Any]) -> None:
        self._live.update(render(read_status(body)), refresh=True)


class LineProgress:
    """Says one line on stderr when state, phase or pause change."""

    def __init__(self) -> None:
        self._last: tuple[object, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, body: Mapping[str, Any]) -> None:
        status = read_status(body)
        current = (status.state, status.phase, status.paused)
        if current != self._last:
            self._last = current
            say(f"{step_of(status)}: {status.summary}")


class JsonLinesProgress:
    """Prints each revision but the last, which is the result of the command and printed by it."""

    def __init__(self) -> None:
        self._held: Mapping[str, Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, body: Mapping[str, Any]) -> None:
        if self._held is not None:
            print_json(self._held)
        self._held = body


def render(status: Status) -> Panel:
    """Draw sentence, bar, counts and whatever wants attention."""
    lines = [Text(status.summary or status.state, style="bold"), _bar(status.counts), _legend(status.counts)]
    if status.paused is not None:
        until = f" until {status.paused.resume_at}" if status.paused.resume_at else ""
        lines.append(Text(f"paused: {status.paused.reason}{until}", style="yellow"))
        if cure_of(status.paused):
            lines.append(Text(f"→ {cure_of(status.paused)}", style="yellow"))
    if status.error is not None:
        lines.append(Text(f"{status.error.code}: {status.error.text}", style="red"))
    if status.trace_url or status.trace_id:
        lines.append(Text(f"trace {status.trace_url or status.trace_id}", style="dim"))
    title = f"transfer {status.id}"
    return Panel(Group(*lines), title=title, subtitle=step_of(status), title_align="left")


def segment_widths(counts: Mapping[str, int], *, width_count: int) -> dict[str, int]:
    """Share a bar's cells among the buckets; a bucket that is not empty has at least one cell."""
    total = sum(counts.get(name, 0) for name in SEGMENTS)
    filled = [name for name in SEGMENTS if counts.get(name, 0)]
    widths = {name: max(1, counts[name] * width_count // total) for name in filled}
    if widths:
        # Rounding leaves cells over, or took some too many: the longest segment hides it best.
        longest = max(widths, key=lambda name: widths[name])
        widths[longest] += width_count - sum(widths.values())
    return widths


def _bar(counts: Mapping[str, int]) -> Text:
    bar = Text()
    for name, width in segment_widths(counts, width_count=BAR_WIDTH_COUNT).items():
        style, cell = SEGMENTS[name]
        bar.append(cell * width, style=style)
    return bar or Text("░" * BAR_WIDTH_COUNT, style="bright_black")


def _legend(counts: Mapping[str, int]) -> Text:
    legend = Text()
    for name, (style, cell) in SEGMENTS.items():
        if counts.get(name, 0):
            legend.append(f"{cell} ", style=style).append(f"{name.replace('_', ' ')} {counts[name]}   ")
    return legend
