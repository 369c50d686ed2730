# The gateway as it runs: its own built files and the packages that these do not hold, none of what built them.
# It writes no file, so the root file system may be read-only.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Native parts come as packages of their own: no install script is needed, so none of a dependency's gets to run.
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
# Most is in the built file. Of the rest, typings and source maps are a third, and Node reads neither.
RUN npm ci --omit=dev --ignore-scripts \
  && node scripts/keep-external.js \
  && npm prune --omit=dev --ignore-scripts \
  && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# Without its "type" Node would not know the files for ES modules.
COPY --from=dependencies /app/package.json ./
# Files belong to root: the process can change none of them.
USER node
EXPOSE 4000 9464
# Alive, not ready: while it drains it is not ready, and must not be killed for that.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "require('node:http').get({ host: process.env.OPS_HOST || process.env.HOST || '127.0.0.1', port: process.env.OPS_PORT || 9464, path: '/livez' }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Node itself, not npm: it gets the signals.
CMD ["node", "dist/main.js"]
