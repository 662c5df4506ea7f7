"""The address under which this machine itself reaches what listens on a host and a port."""

WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 - what an operator may write


def local_address(host: str, port: int) -> str:
    """Return it as an http address, also where the host means "every interface"."""
    shown = WILDCARDS.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
