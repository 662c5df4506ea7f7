"""The chart's `values.schema.json`: the types of its values, with the settings' own schema inside."""

from typing import Any

import msgspec

from deploy.helm.values import Values
from deploy.settings.schema import settings_schema

OF_THE_CHART = ("host", "port", "metrics_host", "metrics_port", "worker_platforms")
"""Settings that the chart decides itself: `listen`, `metrics.port` and `worker.groups` stand for them."""


def values_schema() -> dict[str, Any]:
    """Return draft-07, which every Helm since 3 reads. A key that nothing reads is refused everywhere."""
    schema = msgspec.json.schema(Values, ref_template="#/definitions/{name}")
    parts = schema.pop("$defs")
    settings = settings_schema()["definitions"]
    config, secrets = settings["config"], settings["secrets"]
    for name in OF_THE_CHART:
        config["properties"].pop(name, None)
    parts["Values"]["properties"]["config"] = config
    parts["Secrets"]["properties"]["values"] = {
        **secrets,
        "description": parts["Secrets"]["properties"]["values"]["description"],
        # Keys in capitals are no settings but, say, the password that KEDA signs in with.
        "patternProperties": {"^[A-Z][A-Z0-9_]*$": {"type": "string"}},
    }
    parts["Worker"]["properties"]["groups"]["propertyNames"] = {"pattern": "^[a-z][a-z0-9-]{0,13}[a-z0-9]$"}
    parts["Telemetry"]["properties"]["env"]["propertyNames"] = {"pattern": "^OTEL_[A-Z_]+$"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "definitions": parts}
