# Stands in for images of Docker Hub in tests, with the same paths, users and entry points. The build context has the programs.
# "debian" is a minimal Debian with busybox.
FROM debian:local AS node
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY ca-certificates.crt /etc/ssl/certs/
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd --uid 1000 --create-home node
ARG REGISTRY
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    npm_config_registry=$REGISTRY \
    npm_config_audit=false

FROM debian:local AS prometheus
COPY prometheus /bin/prometheus
RUN ln -s busybox /bin/wget && mkdir /prometheus && chown nobody:nogroup /prometheus
USER nobody
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]

FROM debian:local AS alertmanager
COPY alertmanager /bin/alertmanager
# Debian's version reads its templates from this folder.
COPY default.tmpl email.tmpl /usr/share/prometheus/alertmanager/
RUN ln -s busybox /bin/wget && mkdir /alertmanager && chown nobody:nogroup /alertmanager
USER nobody
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
