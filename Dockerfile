# Image of the gateway: the built files and the external packages, without build tools.
# The gateway writes no files, so the root file system may be read-only.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Native binaries come as separate packages, so no install script is needed and none may run.
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts/build.js scripts/external.js scripts/
COPY src src
COPY playground playground
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts/external.js scripts/keep-external.js scripts/
# Keeps only the packages that are not bundled, without typings and source maps: these take a third of the space and Node reads neither.
RUN npm ci --omit=dev --ignore-scripts \
  && node scripts/keep-external.js \
  && npm prune --omit=dev --ignore-scripts \
  && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# Its "type" field makes Node treat the files as ES modules.
COPY --from=dependencies /app/package.json ./
# The files belong to root, so the process cannot modify them.
USER node
EXPOSE 4000 9464
# Checks liveness, not readiness: a draining gateway is not ready and must not be killed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "require('node:http').get({ host: process.env.OPS_HOST || process.env.HOST || '127.0.0.1', port: process.env.OPS_PORT || 9464, path: '/livez' }, (response) => process.exit(response.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Starts node directly, not npm, so that signals reach the process.
# Without the flag, the young generation grows to 192 MB, or shrinks to 3 MB in a container of 512 MB (docs/decisions/0030).
CMD ["node", "--max-semi-space-size=16", "dist/main.js"]
