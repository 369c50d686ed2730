// The operators' listener: liveness, readiness and metrics. It must not be public.
import { fastify, type FastifyInstance } from 'fastify';
import type { Lifecycle } from './lifecycle.js';
import type { Metrics } from './telemetry/metrics.js';

/** Creates the operators' application. It does not listen yet. */
export function createOpsApp(lifecycle: Lifecycle, metrics: Metrics): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.header('cache-control', 'no-store');
    done();
  });
  app.get('/livez', () => ({ status: 'alive' }));
  app.get('/readyz', (_request, reply) =>
    lifecycle.isReady ? reply.send({ status: 'ready' }) : reply.code(503).send({ status: 'shutting down' }),
  );
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  return app;
}
