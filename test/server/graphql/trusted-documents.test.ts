// Trusted documents over all transports: a document of the manifest runs by id and by text. If only trusted documents may run, no other
// document runs, in any combination of ids and text.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createClient as createSseClient } from 'graphql-sse';
import { type Config, readConfig } from '../../../src/config.js';
import { createSchema } from '../../../src/graph/schema.js';
import { createDocumentParser } from '../../../src/server/graphql/parse-document.js';
import { TrustedDocuments } from '../../../src/server/graphql/trusted-documents.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { environment, environmentLiteral, keyHeader, vpnId } from '../../helpers/fixtures.js';
import { startGateway, type TestGateway } from '../../helpers/gateway.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { sendRequest, post } from '../../helpers/http.js';
import { toRunCount } from '../../helpers/run-count.js';
import {
  subscribeBySse,
  subscribeByWebSocket,
  createWebSocketClient,
  type TestSubscription,
  openAcknowledgedSocket,
  startSubscription,
} from '../subscriptions/subscribers.js';

const list = 'query List($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { totalCount } }';
const reset =
  'mutation Reset($input: ResetSiteToSiteVpnInput!) { resetSiteToSiteVpn(input: $input) { userErrors { code } } }';
const subscription =
  'subscription Updates($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpnUpdated(environment: $environment, id: $id) { id } }';
const types = '{ __schema { queryType { name } } }';
const custom = '{ mine: __typename }';
const toHash = (text: string) => createHash('sha256').update(text).digest('hex');

const directory = await mkdtemp(join(tmpdir(), 'trusted-documents-'));
addCleanup(() => rm(directory, { recursive: true }));
const writeManifest = (name: string, content: unknown) =>
  writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
const toManifest = (operations: readonly (readonly [id: string, body: string])[]) => ({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: operations.map(([id, body]) => ({ id, name: 'Name', type: 'query', body })),
});
const trusted = [list, reset, subscription, types];
const manifest = toManifest([...trusted.map((text): [string, string] => [toHash(text), text]), ['my-own-id', custom]]);
await writeManifest('manifest.json', manifest);

const start = (overrides: Partial<Config> = {}) =>
  startGateway({ config: { trustedDocuments: join(directory, 'manifest.json'), introspection: false, ...overrides } });
const restricted = await start({ trustedDocumentsOnly: true });
const unrestricted = await start();
beforeEach(() => {
  restricted.sandbox.calls.splice(0);
});

const headers = keyHeader();
const persisted = (id: string) => ({ persistedQuery: { version: 1, sha256Hash: id } });

/** The parameters of a request. */
interface GraphqlRequest {
  readonly query?: string;
  readonly documentId?: string;
  readonly extensions?: Record<string, unknown>;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

function get({ url }: { url: string }, parameters: GraphqlRequest): ReturnType<typeof sendRequest> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return sendRequest(`${url}?${search.toString()}`, { headers });
}

/** The ways to name a document in a request. */
const references: readonly (readonly [string, (text: string) => GraphqlRequest])[] = [
  ['its text', (query) => ({ query })],
  ['the hash in Apollo’s extension', (text) => ({ extensions: persisted(toHash(text)) })],
  ['documentId', (text) => ({ documentId: `sha256:${toHash(text)}` })],
  ['documentId without a prefix', (text) => ({ documentId: toHash(text) })],
  ['an APQ registration', (query) => ({ query, extensions: persisted(toHash(query)) })],
];

describe.each([
  ['only trusted documents', restricted],
  ['all documents', unrestricted],
])('a gateway that runs %s', (_name, gateway) => {
  it.each(references)('runs a query of the manifest by %s, by POST and GET', async (_name, toRequest) => {
    const request = { ...toRequest(list), variables: { environment }, operationName: 'List' };
    const expected = { status: 200, json: { data: { siteToSiteVpns: { totalCount: expect.any(Number) } } } };

    expect(await post(gateway.url, request, headers)).toMatchObject(expected);
    expect(await get(gateway, request)).toMatchObject(expected);
  });

  it.each(references)('runs a mutation of the manifest by %s, by POST only', async (_name, toRequest) => {
    const request = { ...toRequest(reset), variables: { input: { environment, id: 'none' } } };

    expect(await post(gateway.url, request, headers)).toMatchObject({
      status: 200,
      json: { data: { resetSiteToSiteVpn: { userErrors: [{ code: 'NOT_FOUND' }] } } },
    });
    expect(await get(gateway, request)).toMatchObject({ status: 405 });
  });

  it.each(references)('runs a subscription of the manifest by %s, over both transports', async (_name, toRequest) => {
    const request = { query: '', ...toRequest(subscription), variables: { environment, id: vpnId } };
    const socket = createWebSocketClient(gateway.url);
    const stream = createSseClient({ url: `${gateway.url}/stream`, headers, retryAttempts: 0 });
    const rawStream = await openStream(gateway, 'GET', {
      ...toRequest(subscription),
      variables: { environment, id: vpnId },
    });
    const subscriptions = [
      startSubscription((sink) => socket.subscribe(request, sink)),
      startSubscription((sink) => stream.subscribe(request, sink)),
    ];
    for (const { waitForEvents, events, unsubscribe } of subscriptions) {
      await waitForEvents(1);
      expect(events[0]).toEqual({ data: { siteToSiteVpnUpdated: { id: vpnId } } });
      unsubscribe();
    }
    stream.dispose();
    expect(rawStream).toMatchObject({ status: 200, head: expect.stringContaining(vpnId) });
  });

  it('runs a subscription of the manifest by WebSocket without a text, as Apollo Kotlin sends it', async () => {
    const variables = { environment, id: vpnId };
    const messages = await subscribeRaw(gateway, { extensions: persisted(toHash(subscription)), variables });

    expect(messages).toEqual([
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: { data: { siteToSiteVpnUpdated: { id: vpnId } } } },
    ]);
  });

  it('runs a document by the id in the manifest, and by its hash', async () => {
    const expected = { status: 200, json: { data: { mine: 'Query' } } };

    expect(await post(gateway.url, { extensions: persisted('my-own-id') })).toMatchObject(expected);
    expect(await post(gateway.url, { documentId: 'my-own-id' })).toMatchObject(expected);
    expect(await post(gateway.url, { documentId: toHash(custom) })).toMatchObject(expected);
  });

  it('runs introspection in the manifest, even if introspection is off', async () => {
    const other = { query: '{ __schema { mutationType { name } } }' };

    expect(await post(gateway.url, { documentId: toHash(types) })).toMatchObject({
      json: { data: { __schema: { queryType: { name: 'Query' } } } },
    });
    expect(await post(gateway.url, { query: types })).toMatchObject({ status: 200 });
    expect(await post(gateway.url, other)).toMatchObject({ status: 400 });
  });

  it('rejects invalid variables of a trusted document', async () => {
    expect(await post(gateway.url, { documentId: toHash(list), variables: { environment: 1 } }, headers)).toMatchObject(
      {
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
      },
    );
  });
});

/** Subscribes without a client library, which would require a text. Returns the first two messages. */
async function subscribeRaw({ url }: TestGateway, payload: GraphqlRequest): Promise<readonly unknown[]> {
  const socket = await openAcknowledgedSocket(url);
  socket.send({ id: '1', type: 'subscribe', payload });
  await socket.waitForMessages(2);
  socket.webSocket.close();
  return socket.messages;
}

async function openStream(
  { url }: TestGateway,
  method: 'GET' | 'POST',
  parameters: GraphqlRequest,
): Promise<{ status: number; head: string; json: unknown }> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const disconnect = new AbortController();
  const response = await fetch(method === 'GET' ? `${url}/stream?${search.toString()}` : `${url}/stream`, {
    method,
    headers: { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: method === 'POST' ? JSON.stringify(parameters) : null,
    signal: disconnect.signal,
  });
  const { status } = response;
  if (status !== 200) return { status, head: '', json: await response.json() };
  let head = '';
  const reader = response.body?.getReader();
  while (!head.includes('data: {')) head += Buffer.from((await reader?.read())?.value ?? []).toString();
  disconnect.abort();
  return { status, head, json: undefined };
}

describe('TRUSTED_DOCUMENTS_ONLY=false', () => {
  it('runs other documents and automatic persisted queries, the latter by documentId too', async () => {
    const text = '{ automatic: __typename }';
    const expected = { status: 200, json: { data: { automatic: 'Query' } } };
    const notFound = { json: { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] } };

    expect(await post(unrestricted.url, { documentId: toHash(text) })).toMatchObject(notFound);
    expect(await post(unrestricted.url, { query: text, extensions: persisted(toHash(text)) })).toMatchObject(expected);
    expect(await post(unrestricted.url, { extensions: persisted(toHash(text)) })).toMatchObject(expected);
    expect(await post(unrestricted.url, { documentId: `sha256:${toHash(text)}` })).toMatchObject(expected);
  });

  it('rejects an unknown documentId with a message that names TRUSTED_DOCUMENTS', async () => {
    const message = expect.stringContaining('TRUSTED_DOCUMENTS');
    const error = { message, extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } };

    expect(await post(unrestricted.url, { documentId: 'unknown' })).toMatchObject({ json: { errors: [error] } });
  });

  it('rejects a subscription by an unknown hash with the message that makes clients send the text', async () => {
    const errors = [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }];

    expect(await openStream(unrestricted, 'POST', { extensions: persisted('unknown') })).toMatchObject({
      status: 400,
      json: { errors },
    });
    expect((await subscribeRaw(unrestricted, { extensions: persisted('unknown') }))[1]).toMatchObject({
      type: 'error',
      payload: errors,
    });
  });

  it('runs the text of a request, even if its hash is the id of another document', async () => {
    await writeManifest('crossed.json', { [toHash('{ other: __typename }')]: custom });
    const gateway = await start({ trustedDocuments: join(directory, 'crossed.json') });

    expect(await post(gateway.url, { query: '{ other: __typename }' })).toMatchObject({
      json: { data: { other: 'Query' } },
    });
  });
});

describe('TRUSTED_DOCUMENTS_ONLY=true', () => {
  const rejection = { errors: [{ extensions: { code: 'TRUSTED_DOCUMENT_REQUIRED', requestId: expect.any(String) } }] };

  it('rejects another document with a message that says what to send, and logs the rejection', async () => {
    const response = await post(restricted.url, { query: '{ vpcs { id } }', operationName: 'Mine' }, headers);

    expect(response.json).toEqual({
      errors: [
        {
          message:
            'The gateway runs only trusted documents. Send the id or the exact text of a document in its manifest.',
          extensions: { code: 'TRUSTED_DOCUMENT_REQUIRED', requestId: response.headers.get('x-request-id') },
        },
      ],
    });
    expect(response.status).toBe(400);
    expect(restricted.logs.at(-1)).toMatchObject({ msg: 'operation', errors: ['TRUSTED_DOCUMENT_REQUIRED'] });
  });

  it('rejects an id of one document with the text of another', async () => {
    expect(await post(restricted.url, { query: custom, extensions: persisted(toHash(types)) })).toMatchObject({
      status: 400,
      json: rejection,
    });
    expect(
      await post(restricted.url, { documentId: toHash(types), extensions: persisted(toHash(custom)) }),
    ).toMatchObject({
      status: 400,
      json: rejection,
    });
  });

  // Documents that nearly match trusted ones, and others.
  const document = fc.oneof(
    fc
      .constantFrom(...trusted)
      .chain((text) => fc.constantFrom(`${text} `, ` ${text}`, `#\n${text}`, text.slice(0, -1))),
    fc.constantFrom('{ __typename }', '{ __schema { types { name } } }', '{ environments { id } }', '{', ''),
    fc.constantFrom(
      `query List { environments { id } }`,
      `mutation { resetSiteToSiteVpn(input: {environment: ${environmentLiteral}, id: "${vpnId}"}) { task { id } } }`,
      `subscription { siteToSiteVpnUpdated(environment: ${environmentLiteral}, id: "${vpnId}") { id } }`,
    ),
    fc.string(),
  );
  const id = fc.oneof(document.map(toHash), fc.string(), fc.constantFrom(...trusted.map((text) => `${toHash(text)}0`)));
  const trustedId = fc.constantFrom(...trusted.map(toHash));
  const request: fc.Arbitrary<GraphqlRequest> = fc.record(
    {
      query: document,
      documentId: fc.oneof(id, trustedId),
      extensions: fc.oneof(id, trustedId).map(persisted),
      operationName: fc.constantFrom('List', 'Updates', 'Other', ''),
      variables: fc.constant({ environment, id: vpnId }),
    },
    { requiredKeys: [] },
  );
  // Excludes requests without a text whose ids are all in the manifest, since those may run.
  const untrustedRequest = request.filter(({ query, documentId, extensions }) => {
    const ids = [documentId, JSON.stringify(extensions)].filter((value) => value !== undefined);
    return !(!query && ids.length > 0 && ids.every((value) => trusted.some((text) => value.includes(toHash(text)))));
  });
  const settings = { numRuns: toRunCount(100) };

  it('rejects other documents by POST and GET, in any combination of text and ids', async () => {
    await fc.assert(
      fc.asyncProperty(untrustedRequest, async (parameters) => {
        for (const response of [
          await post(restricted.url, { ...parameters, a: 1 }, headers),
          await get(restricted, parameters),
        ]) {
          expect(response).toMatchObject({ status: 400, json: rejection });
        }
      }),
      settings,
    );
    expect(restricted.sandbox.calls).toEqual([]);
  });

  it('rejects other documents by WebSocket and SSE, in any combination of text and ids', async () => {
    const socket = createWebSocketClient(restricted.url);
    await fc.assert(
      fc.asyncProperty(untrustedRequest, async (parameters) => {
        const attempt: TestSubscription = startSubscription((sink) =>
          socket.subscribe({ query: '', ...parameters }, sink),
        );
        await attempt.waitForEnd();
        expect(attempt).toMatchObject({ events: [], end: rejection.errors });
        for (const method of ['POST', 'GET'] as const) {
          const stream = await openStream(restricted, method, { query: '', ...parameters });
          expect(stream).toMatchObject({ status: 400, json: rejection });
        }
      }),
      settings,
    );
    expect(restricted.sandbox.calls).toEqual([]);
  });

  it('rejects a batch, even of documents of the manifest', async () => {
    for (const batch of [[{ query: '{ environments { id } }' }], [{ documentId: toHash(types) }, { query: types }]]) {
      expect(await post(restricted.url, batch, headers)).toMatchObject({
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
      });
    }
    expect(restricted.sandbox.calls).toEqual([]);
  });

  it('does not cache a document that it rejected together with its hash', async () => {
    const text = '{ registered: __typename }';
    await post(restricted.url, { query: text, extensions: persisted(toHash(text)) });

    expect(await post(restricted.url, { extensions: persisted(toHash(text)) })).toMatchObject({
      status: 400,
      json: rejection,
    });
  });

  it.each([
    ['WebSocket', subscribeByWebSocket],
    ['Server-Sent Events', subscribeBySse],
  ])('does not run a query of the manifest by %s', async (_name, subscribeBy) => {
    const attempt = subscribeBy(restricted.url)(list, { environment });
    await attempt.waitForEnd();
    expect(attempt.events).toEqual([]);
  });
});

describe('TRUSTED_DOCUMENTS', () => {
  const open = (content: unknown, overrides = {}) =>
    writeManifest('other.json', content).then(() =>
      start({ trustedDocuments: join(directory, 'other.json'), ...overrides }),
    );

  const read = (name: string) =>
    new TrustedDocuments({
      file: join(directory, name),
      only: true,
      parseDocument: createDocumentParser(createSchema(), readConfig({})),
      compileAhead: () => undefined,
    }).read();

  it('accepts a manifest that maps ids to texts, as GraphQL Codegen and Relay write it', async () => {
    const gateway = await open({ one: custom }, { trustedDocumentsOnly: true });

    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { mine: 'Query' } } });
  });

  it('accepts a manifest that begins with a byte order mark', async () => {
    const gateway = await open(`\ufeff${JSON.stringify({ one: custom })}`, { trustedDocumentsOnly: true });

    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { mine: 'Query' } } });
  });

  it('accepts a manifest with a document several times, under one id or several', async () => {
    const gateway = await open(
      toManifest([
        ['one', custom],
        ['one', custom],
        ['two', custom],
      ]),
      { trustedDocumentsOnly: true },
    );

    for (const documentId of ['one', 'two']) {
      expect(await post(gateway.url, { documentId })).toMatchObject({ json: { data: { mine: 'Query' } } });
    }
  });

  it.each([
    ['is not JSON', '{', 'TRUSTED_DOCUMENTS names a file that is not JSON'],
    [
      'has an unknown format',
      { format: 'other', version: 1, operations: [] },
      /^TRUSTED_DOCUMENTS must name a manifest: /,
    ],
    ['has another version', { ...manifest, version: 2 }, /^TRUSTED_DOCUMENTS must name a manifest: /],
    ['is empty', toManifest([]), 'TRUSTED_DOCUMENTS names a manifest that has no documents'],
    ['is an empty object', {}, 'TRUSTED_DOCUMENTS names a manifest that has no documents'],
    ['is a list', [{ id: 'one', body: custom }], /^TRUSTED_DOCUMENTS must name a manifest: /],
    ['has only fragments', { one: 'fragment Own on Query { __typename }' }, /, one: Fragment "Own" is never used\./],
    [
      'has a syntax error',
      toManifest([['first', '{ a ']]),
      /^TRUSTED_DOCUMENTS names a manifest that has an invalid document, first: The document is not GraphQL: syntax error at line 1/,
    ],
    [
      'has unknown fields, with each of them',
      { one: '{ nothing }', two: '{ never }', three: custom },
      /^TRUSTED_DOCUMENTS .*, one: Cannot query field "nothing" .*\nTRUSTED_DOCUMENTS .*, two: Cannot query field "never" .*$/,
    ],
    [
      'has an operation that exceeds the limits',
      {
        deep: `{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { ${'edges { node { vpc { siteToSiteVpns { '.repeat(3)} totalCount ${'} } } } '.repeat(3)} } }`,
      },
      'TRUSTED_DOCUMENTS names a manifest that has an invalid document, deep: The operation has a depth of more than 8 fields (MAX_DEPTH). Split it into several requests.',
    ],
    [
      'has one id for two documents',
      toManifest([
        ['same', custom],
        ['same', types],
      ]),
      'TRUSTED_DOCUMENTS names a manifest that has two documents with the id same',
    ],
  ])('rejects a manifest that %s', async (_problem, content, message) => {
    await writeManifest('wrong.json', content);
    await expect(read('wrong.json')).rejects.toThrow(message);
  });

  it('rejects a file that does not exist', async () => {
    await expect(read('none.json')).rejects.toThrow('TRUSTED_DOCUMENTS names a file that cannot be read (ENOENT)');
  });

  it('reloads the manifest at once, and logs an invalid one and keeps the previous documents', async () => {
    const gateway = await open({ one: custom }, { trustedDocumentsOnly: true });
    const findLogs = (msg: string) => gateway.logs.filter((line) => line['msg'] === msg);

    await writeManifest('other.json', { one: custom, two: types });
    gateway.lifecycle.reload();
    await waitUntil(() => findLogs('trusted documents loaded').length === 2);
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 200 });

    await writeManifest('other.json', { one: custom, two: '{ nothing }' });
    gateway.lifecycle.reload();
    await waitUntil(() => findLogs('trusted documents not reloaded, previous ones kept').length === 1);
    expect(findLogs('trusted documents not reloaded, previous ones kept')[0]).toMatchObject({
      level: 50,
      problems: [expect.stringContaining('two: Cannot query field "nothing"')],
    });
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 200 });

    await writeManifest('other.json', { two: types });
    gateway.lifecycle.reload();
    await waitUntil(() => findLogs('trusted documents loaded').length === 3);
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ status: 400 });
    expect(await post(gateway.url, { query: custom })).toMatchObject({ status: 400 });
  });
});

describe('automatic persisted queries', () => {
  it('evicts the oldest queries before all of them take a megabyte', async () => {
    const gateway = await startGateway();
    const first = '{ first: __typename }';
    await post(gateway.url, { query: first, extensions: persisted(toHash(first)) });
    const texts = Array.from({ length: 64 }, (_value, index) => `{ a${index}: __typename } #`.padEnd(16_000, '#'));
    for (const query of texts) await post(gateway.url, { query, extensions: persisted(toHash(query)) });
    const last = texts.at(-1) ?? '';
    expect(await post(gateway.url, { extensions: persisted(toHash(last)) })).toMatchObject({ json: { data: {} } });

    expect(await post(gateway.url, { extensions: persisted(toHash(first)) })).toMatchObject({
      json: { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] },
    });
  });
});
