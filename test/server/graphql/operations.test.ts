// The path of an operation without a transport: what is refused after the queue.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../../../src/config.js';
import { createExecutor } from '../../../src/graph/execution/executor.js';
import { createSchema } from '../../../src/graph/schema.js';
import { createAdmission } from '../../../src/server/admission/admission.js';
import { Documents } from '../../../src/server/graphql/documents.js';
import { Operations } from '../../../src/server/graphql/operations.js';
import { createDocumentParser } from '../../../src/server/graphql/parse-document.js';
import { UnreadBytes } from '../../../src/server/http/unread-bytes.js';
import { createMetrics } from '../../../src/server/telemetry/metrics.js';
import { createContextFactory } from '../../helpers/graph-context.js';
import { startUpstream } from '../../helpers/upstream.js';

const config = readConfig({});
const schema = createSchema();
const upstream = await startUpstream();
const createContext = createContextFactory(upstream.url);

describe('Operations.run', () => {
  it('rejects a key that does not read its responses, before a REST call, and serves all others', async () => {
    const unreadBytes = new UnreadBytes(Infinity, () => undefined);
    const operations = new Operations({
      config,
      schema,
      documents: new Documents({ parseDocument: createDocumentParser(schema, config), trusted: undefined }),
      admission: createAdmission({ ...config, maxInFlight: 1 }, undefined, () => undefined),
      unreadBytes,
      execute: createExecutor(schema).execute,
      log: pino({ level: 'silent' }),
      metrics: createMetrics(),
    });
    const payer = { hasKey: true, spend: () => undefined, refund: () => undefined };
    const run = (apiKey: string | undefined, query = '{ environments { id } }') =>
      operations
        .run({ query }, { context: createContext(apiKey), payer, checkType: () => undefined })
        .then(({ outcome }) => outcome);
    const [slow, keyless] = [new PassThrough(), new PassThrough()];
    unreadBytes.set(slow, 'slow', 17 * 1024 * 1024);
    unreadBytes.set(keyless, undefined, 17 * 1024 * 1024);

    expect(await run('slow')).toMatchObject({
      status: 429,
      retryAfter: 1,
      errors: [{ extensions: { code: 'RATE_LIMITED', requestId: 'request-1' } }],
    });
    expect(upstream.calls).toEqual([]);
    // The permit of the rejected operation is free again.
    expect(await run('other')).toEqual({ status: 200, data: { environments: [] } });
    expect(await run(undefined, '{ __typename }')).toEqual({ status: 200, data: { __typename: 'Query' } });
    unreadBytes.set(slow, 'slow', 0);
    expect(await run('slow')).toEqual({ status: 200, data: { environments: [] } });
  });
});
