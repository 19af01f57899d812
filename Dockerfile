# Muster runs its TypeScript as it is: there is no build. glibc, because the packages' binaries are made for it.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages stay: the charts' renderer comes as one for each platform. The image brings Node 24 itself, so the runtime that
# comes as another is taken out again.
RUN npm ci --omit=dev && npm cache clean --force && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY commands ./commands
COPY jobs ./jobs
COPY src ./src
RUN ln -s /app/src/cli.ts /usr/local/bin/muster && chmod 755 src/cli.ts
USER node
EXPOSE 8080
# Nothing is written to disk: run it with a read-only root.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["muster"]
CMD ["serve"]
