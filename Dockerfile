# The image of the exporter; it includes the simulated ECU. Build it with: docker build -t apsystems-ecu-exporter .
# To choose or pin the base image: --build-arg NODE_IMAGE=node:24-slim@sha256:…
# node:24-slim supports 64-bit processors only. For a Raspberry Pi with a 32-bit system, use node:22-slim.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN npm run build

FROM ${NODE_IMAGE}
ARG NODE_IMAGE
# The commit of the source: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=unknown
LABEL org.opencontainers.image.title="apsystems-ecu-exporter" \
      org.opencontainers.image.description="Prometheus exporter for APsystems micro-inverters" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${NODE_IMAGE}" \
      org.opencontainers.image.revision="${REVISION}"
# One heap of malloc for all threads of Node.js takes 1 to 5 MB less.
ENV MALLOC_ARENA_MAX=1 \
    NODE_ENV=production \
    APSYSTEMS_EXPORTER_REVISION="${REVISION}"
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/dist dist
# For the state file. A volume that is mounted here for the first time takes over the owner.
RUN mkdir /var/lib/apsystems && chown 1000:1000 /var/lib/apsystems
# The user "node" of the base image, as a number: runAsNonRoot of Kubernetes cannot verify a name.
USER 1000:1000
EXPOSE 10899
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:10899/-/healthy').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
