"""An OTLP/HTTP receiver that decodes what arrives: the tracing backend of the tests."""

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span as it arrived. Ids are hex; parent_span_id is None for a root; links are (trace id, span id)."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: str
    attributes: dict[str, Any]
    service: str
    links: tuple[tuple[str, str], ...] = ()
    is_error: bool = False


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One data point of a metric. value: the sum of a counter, the count of a histogram.

    bounds_s: a histogram's bucket boundaries, empty for a counter.
    """

    name: str
    attributes: dict[str, Any]
    value: float
    service: str
    bounds_s: tuple[float, ...] = ()


class OtlpReceiver:
    """Listens while it is entered; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT takes.

    spans and points grow in the order of arrival. headers, bodies: those of each request, as they came.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.points: list[Point] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._arrival = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, condition: Callable[[list[Span]], bool], *, timeout_s: float = 10.0) -> bool:
        """Wait until the spans fulfil the condition; False if they never did."""
        with self._arrival:
            return self._arrival.wait_for(lambda: condition(self.spans), timeout_s)

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Take one export; return the HTTP status for it."""
        with self._arrival:
            self.headers.append(headers)
            self.bodies.append(body)
            if path == "/v1/traces":
                self.spans += _spans(body)
            elif path == "/v1/metrics":
                self.points += _points(body)
            else:
                return 404
            self._arrival.notify_all()
            return 200


class HangingReceiver:
    """Accepts connections and never answers: a collector that is worse than down."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler, bind_and_activate=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()


def _handler_of(receiver: OtlpReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(receiver.receive(self.path, dict(self.headers.items()), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            pass

    return Handler


def _spans(body: bytes) -> list[Span]:
    return [
        Span(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex() or None,
            kind=KINDS[span.kind],
            attributes=_attributes(span.attributes),
            service=_service(group.resource),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
            is_error=span.status.code == 2,
        )
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _points(body: bytes) -> list[Point]:
    return [
        _point(metric, point, service=_service(group.resource))
        for group in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
        for point in getattr(metric, cast("str", metric.WhichOneof("data"))).data_points
    ]


def _point(metric: Any, point: Any, *, service: str) -> Point:
    is_histogram = metric.WhichOneof("data") == "histogram"
    return Point(
        name=metric.name,
        attributes=_attributes(point.attributes),
        value=point.count if is_histogram else getattr(point, point.WhichOneof("value")),
        service=service,
        bounds_s=tuple(point.explicit_bounds) if is_histogram else (),
    )


def _service(resource: Any) -> str:
    return str(_attributes(resource.attributes).get("service.name", ""))


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(part) for part in value.array_value.values]
    return getattr(value, kind) if kind else None
