# The router: Python, its locked packages, and nothing else. Build it from the top of the repository:
#   docker build -f docker/router.Dockerfile -t call-router .
# BASE is any Debian from 12 on. Where Python's package index can't be reached from inside of a build, fetch the packages
# beforehand into docker/wheels, with the machine's own settings:
#   python3 -m pip download --require-hashes -r requirements.lock -d docker/wheels
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates python3-venv \
 && apt-get clean && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/router
COPY requirements.lock docker/wheels* wheels/
RUN mv wheels/requirements.lock . \
 && if ls wheels/*.whl >/dev/null 2>&1; then set -- --no-index --find-links wheels; fi \
 && python3 -m venv .venv \
 && .venv/bin/pip install --disable-pip-version-check --no-cache-dir -q --no-compile "$@" \
      --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY router router
COPY migrations migrations
COPY dialplan dialplan
RUN .venv/bin/pip install --disable-pip-version-check --no-cache-dir -q --no-deps --no-build-isolation -e . \
 && .venv/bin/pip uninstall -qy pip \
 && rm -rf wheels && find . -name __pycache__ -prune -exec rm -r {} + \
 && python3 -m compileall -q .

FROM ${BASE}
RUN apt-get update -q \
 && apt-get install -qy --no-install-recommends ca-certificates python3 \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf /var/log/*
COPY --from=build /opt/router /opt/router
ENV PATH=/opt/router/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# nobody's number on a Debian: what it writes, the database holds
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
# /healthz says that the process answers: nobody shall restart a router because its database is gone
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["router"]
CMD ["serve"]
