"""What the embedded servers get to see of their surroundings."""

import socket

from deploy.dev.servers import free_port, server_environment


def test_servers_see_neither_pg_variables_nor_locale_nor_our_secrets() -> None:
    environ = {
        "PATH": "/bin",
        "PGHOST": "elsewhere",
        "LANG": "de_DE",
        "LC_MESSAGES": "de_DE",
        "CROSSPLAY_SECRET_KEYS": "s3cret",
        "OTEL_EXPORTER_OTLP_HEADERS": "key=s3cret",
    }

    seen = server_environment(environ)

    assert seen == {"PATH": "/bin", "LC_ALL": "C.UTF-8"}


def test_free_port_can_be_bound() -> None:
    port = free_port()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
