"""Playlists that are made by two calls: until the second one their title holds their description, too.

So one whose first call alone has arrived is found by its marker, and gets its name whenever somebody goes on.
"""

_SIGN = " \u2063 "
"""Between name and description: nobody types that sign."""


def draft_title(name: str, description: str) -> str:
    """Return the title for the first call."""
    return f"{name}{_SIGN}{description}"


def parts_of(title: str) -> tuple[str, str]:
    """Return name and description of a draft; the title and "" of any other playlist."""
    name, _, description = title.partition(_SIGN)
    return name, description
