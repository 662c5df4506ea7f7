"""Pages that are written by hand around parts that come from the code."""

import re


def between_marks(text: str, *, part: str, name: str) -> str:
    """Return the text with the part between its two marks, `<!-- name: … -->` and `<!-- end of name -->`."""
    return re.sub(
        rf"(<!-- {re.escape(name)}: [^>]*-->\n).*?(\n<!-- end of {re.escape(name)} -->)",
        lambda marks: f"{marks[1]}{part}{marks[2]}",
        text,
        flags=re.DOTALL,
    )
