"""No statement of ours lists the matched outcomes: that is the column `items.is_matched`."""

import importlib
import pkgutil

import gateway
import shared
import worker


def test_no_statement_lists_matched_outcomes() -> None:
    statements = {
        f"{found.name}.{name}": text
        for package in (shared, worker, gateway)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith("__main__")
        for name, text in vars(importlib.import_module(found.name)).items()
        if isinstance(text, str) and any(verb in text for verb in ("SELECT", "UPDATE", "INSERT"))
    }

    assert len(statements) > 50
    assert [name for name, text in statements.items() if "'same_recording'" in text] == []
