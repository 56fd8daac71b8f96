# syntax=docker/dockerfile:1
#
# Hasp for a server. The image has one Node.js and no PostgreSQL: give it DATABASE_URL and HASP_ROOT_SECRET.
# Base images with glibc only: bin/hasp sets GLIBC_TUNABLES so that freed memory is overwritten, and musl has no such.

FROM node:24.21.0-trixie-slim AS dependencies
WORKDIR /opt/hasp
COPY package.json package-lock.json ./
# The optional dependencies are a Node.js and a PostgreSQL for machines that have none; no package needs its script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-trixie-slim
# No package manager where nothing is to be installed; a user that owns nothing but the data directory.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
    && groupadd --system --gid 10001 hasp \
    && useradd --system --uid 10001 --gid hasp --home-dir /var/lib/hasp --no-create-home --shell /usr/sbin/nologin hasp \
    && install --directory --owner=hasp --group=hasp --mode=0700 /var/lib/hasp
WORKDIR /opt/hasp
COPY --from=dependencies /opt/hasp/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY src ./src

ENV NODE_ENV=production \
    HASP_HOST=0.0.0.0 \
    HASP_DATA_DIR=/var/lib/hasp
USER 10001:10001
VOLUME /var/lib/hasp
EXPOSE 4700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HASP_PORT || 4700}/readyz`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/opt/hasp/bin/hasp"]
CMD ["serve"]
