#!/usr/bin/python3
"""The one command of valkey-cli that the health check needs: the package brings the server alone."""

import os
import socket
import sys

with socket.create_connection(("127.0.0.1", 6379), timeout=3) as server:
    password, command = os.environ["REDISCLI_AUTH"], sys.argv[1]
    server.sendall(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
    sys.stdout.write(server.makefile().read())
