// What stays outside of the built file, and so has to be beside it wherever it runs.

/** Packages that are found in node_modules; for each, why. */
export const external = [
  // Its transports are workers, which it looks for beside itself.
  'pino',
  // Who asks for traces or a shared limit waits for them; who does not need not even read them.
  'ioredis',
  '@opentelemetry/core',
  '@opentelemetry/exporter-trace-otlp-proto',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace',
];
