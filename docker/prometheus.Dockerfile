# Prometheus from Debian's packages, with what it scrapes and when it should wake somebody.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends prometheus \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf \
 && install -d -o prometheus -g prometheus /var/lib/prometheus
COPY docker/prometheus/prometheus.yml docker/prometheus/alerts.yml /etc/prometheus/
USER prometheus
VOLUME /var/lib/prometheus
EXPOSE 9090
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/var/lib/prometheus", \
            "--storage.tsdb.retention.time=30d"]
