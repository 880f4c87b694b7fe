# Asterisk from Debian's packages with the files of dialplan/, as a customer installs them; trunk and phones are yours.
#   docker build -f docker/asterisk.Dockerfile -t call-router-asterisk .
# Debian's stable releases carry no Asterisk: BASE is its unstable one.
ARG BASE=debian:sid-slim
FROM ${BASE}
# a number of its own, so that what is mounted for it can be given to it
RUN groupadd -g 10002 asterisk && useradd -r -u 10002 -g asterisk -d /var/lib/asterisk -s /usr/sbin/nologin asterisk \
 && apt-get update -q \
 && apt-get install -qy --no-install-recommends asterisk asterisk-core-sounds-en-gsm asterisk-moh-opsound-gsm \
 && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf /etc/asterisk/* \
 && install -d -o asterisk -g asterisk /run/asterisk /var/lib/asterisk /var/log/asterisk /var/spool/asterisk
COPY docker/asterisk/*.conf /etc/asterisk/
# which modules the dialplan and SIP need is the same here as in the lab
COPY router/lab/etc/modules.conf /etc/asterisk/modules_router.conf
COPY dialplan/*.conf /etc/asterisk/
COPY dialplan/manager.d/router.conf /etc/asterisk/manager.d/router.conf
COPY docker/asterisk/start /usr/local/bin/start
# these are asked for by name; empty is what they say by default
RUN cd /etc/asterisk && for name in acl ccss cel features pjproject queuerules udptl; do : > $name.conf; done
# written at each start, from the secret and the environment: the rest is read-only
RUN cd /etc/asterisk && for name in router_secret transport rtp; do ln -s /run/asterisk/$name.conf $name.conf; done
USER asterisk
VOLUME /var/lib/asterisk
EXPOSE 5060/udp 5038/tcp
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s CMD ["asterisk", "-rx", "core show uptime"]
ENTRYPOINT ["start"]
