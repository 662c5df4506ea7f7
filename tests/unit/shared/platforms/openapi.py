"""What a platform's own description says that its API takes."""

from pathlib import Path
from typing import Any

import msgspec
import yaml
from openapi_schema_validator import OAS30Validator


class Spec:
    """An OpenAPI file."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        is_json = path.suffix == ".json"
        self.root = msgspec.json.decode(text) if is_json else yaml.load(text, Loader=yaml.CSafeLoader)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        operation: dict[str, Any] = self.root["paths"][path][method]
        return operation

    def parameters(self, operation: dict[str, Any], *, place: str = "query") -> dict[str, dict[str, Any]]:
        all_ = [self.resolved(parameter) for parameter in operation.get("parameters", [])]
        return {parameter["name"]: parameter for parameter in all_ if parameter["in"] == place}

    def faults(self, schema: dict[str, Any], value: object) -> list[str]:
        validator = OAS30Validator({**schema, "components": self.root["components"]})
        return [error.message for error in validator.iter_errors(value)]

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        node: Any = self.root
        for name in part["$ref"].removeprefix("#/").split("/"):
            node = node[name]
        return dict(node)


def typed(text: str, schema: dict[str, Any]) -> object:
    """Return a query value as the type that the description gives it."""
    match schema["type"]:
        case "integer":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "array":
            return text.split(",")
        case _:
            return text
