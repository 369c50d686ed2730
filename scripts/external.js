// The packages that are not bundled, so they must be in node_modules where the gateway runs.

/** Names of the external packages, each with its reason. */
export const external = [
  // Loads its transports as worker files from its own folder.
  'pino',
  // Loaded only if traces (OTEL_EXPORTER_OTLP_ENDPOINT) or the shared rate limit (REDIS_URL) are configured.
  'ioredis',
  '@opentelemetry/core',
  '@opentelemetry/exporter-trace-otlp-proto',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace',
];
