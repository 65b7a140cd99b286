# One image for every process of Roundhouse; the command says which (docker-compose.yml has them all).
# Debian, not Alpine: Temporal's native bridge needs glibc.

FROM node:22-bookworm-slim AS build
WORKDIR /app
# Packages first: they change less often than the code, so their layer is kept.
COPY package.json package-lock.json .npmrc ./
# .npmrc: no package's install script is run.
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY bin ./bin
COPY src ./src
RUN node scripts/build.mjs
# The bridge comes for five platforms; the four others are 120 MB that nothing here can load.
RUN npm prune --omit=dev \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} +

FROM node:22-bookworm-slim
ENV NODE_ENV=production \
  NODE_OPTIONS="--enable-source-maps --disable-proto=delete" \
  API_HOST=0.0.0.0
WORKDIR /app
# Owned by root and read by everyone: the processes cannot change their own code.
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/bin ./bin
COPY --from=build /app/dist ./dist
COPY docker/healthcheck.mjs ./docker/healthcheck.mjs
# The account "node" of the base image, by number, so that a cluster can check that it is not root.
USER 1000:1000
EXPOSE 8080
# The server's and the API's; processes without this endpoint override it where they are declared.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "docker/healthcheck.mjs", "http://127.0.0.1:8080/health/live"]
CMD ["node", "dist/server/main.js"]
