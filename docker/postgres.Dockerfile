# PostgreSQL from Debian's packages: where only these can be reached, the usual image can't.
#   docker build -f docker/postgres.Dockerfile -t call-router-postgres .
ARG BASE=debian:bookworm-slim
FROM ${BASE}
# Debian would make a cluster at installation; ours is made at the first start, in its volume
RUN mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -q \
 && apt-get install -qy --no-install-recommends postgresql \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf \
 && ln -s /usr/lib/postgresql/*/bin /usr/lib/postgresql/bin \
 && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
COPY docker/postgres/start /usr/local/bin/start
ENV PATH=/usr/lib/postgresql/bin:$PATH PGDATA=/var/lib/postgresql/data
USER postgres
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["pg_isready", "-q", "-h", "127.0.0.1", "-U", "router"]
ENTRYPOINT ["start"]
