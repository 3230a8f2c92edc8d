# The gateway as an image: `docker build -t hydra-gateway .`; with `--target demo` the services of the shop.
#
# Nothing is compiled at the start, nothing runs as root, nothing writes but to /var/lib/hydra. What can be checked
# without Docker is checked by `npm run check` (tools/check-deploy.ts); see docs/guides/docker.md.

# One version everywhere. Pin the digest as well where images are built for good: node:24.21.0-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# ---- what npm has to know: changes seldom, so that what it installs is kept between builds
FROM ${NODE_IMAGE} AS manifests
WORKDIR /opt/hydra
COPY package.json package-lock.json .npmrc ./
COPY packages/protocol/package.json packages/protocol/
COPY packages/gateway/package.json packages/gateway/
COPY packages/sdk/package.json packages/sdk/
COPY packages/cli/package.json packages/cli/bin.mjs packages/cli/
COPY demo/package.json demo/
COPY bench/package.json bench/
COPY test/package.json test/

# ---- dist/ of every package, as it is published
FROM manifests AS build
RUN npm ci --ignore-scripts --include-workspace-root \
    -w packages/protocol -w packages/gateway -w packages/sdk -w packages/cli
COPY tsconfig.json tsconfig.build.json ./
COPY tools/build.mjs tools/
COPY packages packages
RUN node tools/build.mjs

# ---- what the gateway needs to run, and nothing else
FROM manifests AS gateway-modules
RUN npm ci --ignore-scripts --omit=dev --omit=optional -w packages/protocol -w packages/gateway -w packages/cli

FROM manifests AS demo-modules
RUN npm ci --ignore-scripts --omit=dev --omit=optional -w packages/protocol -w packages/sdk -w demo

# ---- Node alone: neither npm nor what could install something
FROM ${NODE_IMAGE} AS runtime
RUN rm -rf /usr/local/lib/node_modules /usr/local/include /opt/yarn* \
    && rm -f /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
ENV NODE_ENV=production
WORKDIR /opt/hydra
COPY package.json LICENSE ./

# ---- the services of the shop, for compose.yaml
FROM runtime AS demo
COPY --from=demo-modules /opt/hydra/node_modules node_modules
COPY --from=build /opt/hydra/packages/protocol/package.json packages/protocol/
COPY --from=build /opt/hydra/packages/protocol/dist packages/protocol/dist
COPY --from=build /opt/hydra/packages/sdk/package.json packages/sdk/
COPY --from=build /opt/hydra/packages/sdk/dist packages/sdk/dist
COPY demo/package.json demo/
COPY --from=build /opt/hydra/packages/gateway/assets packages/gateway/assets
COPY demo/services demo/services
USER node
STOPSIGNAL SIGTERM
ENTRYPOINT ["node"]
CMD ["demo/services/home.ts"]

# ---- the gateway
FROM runtime AS gateway
COPY --from=gateway-modules /opt/hydra/node_modules node_modules
COPY --from=build /opt/hydra/packages/protocol/package.json packages/protocol/
COPY --from=build /opt/hydra/packages/protocol/dist packages/protocol/dist
COPY --from=build /opt/hydra/packages/gateway/package.json packages/gateway/
COPY --from=build /opt/hydra/packages/gateway/dist packages/gateway/dist
COPY --from=build /opt/hydra/packages/gateway/assets packages/gateway/assets
COPY --from=build /opt/hydra/packages/cli/package.json /opt/hydra/packages/cli/bin.mjs packages/cli/
COPY --from=build /opt/hydra/packages/cli/dist packages/cli/dist
COPY deploy/docker deploy/docker
# The command, for `docker exec`; and the one place that is written to: made-up keys, users in a file.
RUN ln -s /opt/hydra/packages/cli/bin.mjs /usr/local/bin/hydra \
    && install -d -o node -g node -m 0700 /var/lib/hydra
WORKDIR /var/lib/hydra
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["node", "/opt/hydra/deploy/docker/health.mjs"]
# Node itself is process 1, and takes SIGTERM.
ENTRYPOINT ["node", "/opt/hydra/packages/cli/bin.mjs"]
CMD ["start"]
