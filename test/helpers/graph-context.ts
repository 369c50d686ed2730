// Creates contexts of operations without a transport.
import { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../src/graph/context.js';
import { addCleanup } from './cleanup.js';

/**
 * Returns a function that creates the context of an operation, of a caller with this key or without one. All contexts share a client of
 * the REST API. Without `baseUrl`, it cannot be reached.
 */
export function createContextFactory(baseUrl = 'http://127.0.0.1:1/v1') {
  const client = new CloudcaClient({ baseUrl, timeoutMs: 60_000 });
  addCleanup(() => client.close());
  const watcher = new Watcher({ client, taskPollMs: 60_000, watchPollMs: 60_000, warn: () => undefined });
  return (apiKey: string | undefined, draining = new AbortController().signal): GraphContext =>
    new GraphContext({
      client,
      watcher,
      apiKey,
      callerId: apiKey,
      requestId: 'request-1',
      draining,
      coalesceReads: true,
      warn: () => undefined,
      maxResultFields: 0,
    });
}
