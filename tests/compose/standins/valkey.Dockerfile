# Stands in for the official image where none can be pulled.
ARG BASE
# BASE names an image that was just built here.
# hadolint ignore=DL3006
FROM ${BASE}
RUN groupadd --gid 1000 valkey && useradd --uid 999 --gid 1000 --no-log-init --home-dir /data valkey \
    && install -d -o valkey -g valkey /data
COPY valkey-server valkey-cli /usr/local/bin/
VOLUME /data
WORKDIR /data
