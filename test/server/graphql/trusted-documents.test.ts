// Trusted documents on the application: what the manifest has runs by its id and by its text; where only that may run, nothing else does,
// however it is sent.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { readConfig } from '../../../src/config.js';
import { createSchema } from '../../../src/graph/schema.js';
import { SANDBOX_KEY } from '../../../src/sandbox/sandbox.js';
import { createDocumentReader } from '../../../src/server/graphql/parse-document.js';
import { TrustedDocuments } from '../../../src/server/graphql/trusted-documents.js';
import { atEnd } from '../../helpers/at-end.js';
import { startGatewayOnSandbox, type TestGateway } from '../../helpers/gateway.js';
import { until } from '../../helpers/until.js';
import { ask, post } from '../../helpers/wire.js';
import {
  byEventStream,
  byWebSocket,
  connectWebSocket,
  type Following,
  openSocket,
  toFollowing,
} from '../subscriptions/subscribers.js';

const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';
const environment = { serviceCode: 'compute-on', name: 'test_area' };
const list = 'query List($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { totalCount } }';
const reset =
  'mutation Reset($input: ResetSiteToSiteVpnInput!) { resetSiteToSiteVpn(input: $input) { userErrors { code } } }';
const follow =
  'subscription Follow($environment: EnvironmentInput!, $id: ID!) { siteToSiteVpnUpdated(environment: $environment, id: $id) { id } }';
const types = '{ __schema { queryType { name } } }';
const custom = '{ mine: __typename }';
const toHash = (text: string) => createHash('sha256').update(text).digest('hex');

const directory = await mkdtemp(join(tmpdir(), 'trusted-documents-'));
atEnd(() => rm(directory, { recursive: true }));
const write = (name: string, manifest: unknown) =>
  writeFile(join(directory, name), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
const toManifest = (operations: readonly (readonly [id: string, body: string])[]) => ({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: operations.map(([id, body]) => ({ id, name: 'Name', type: 'query', body })),
});
const trusted = [list, reset, follow, types];
const whole = toManifest([...trusted.map((text): [string, string] => [toHash(text), text]), ['my-own-id', custom]]);
await write('whole.json', whole);

const start = (overrides: Parameters<typeof startGatewayOnSandbox>[1] = {}) =>
  startGatewayOnSandbox({}, { trustedDocuments: join(directory, 'whole.json'), introspection: false, ...overrides });
const held = await start({ trustedDocumentsOnly: true });
const free = await start();
beforeEach(() => {
  held.sandbox.calls.splice(0);
});

const headers = { 'mc-api-key': SANDBOX_KEY };
const persisted = (id: string) => ({ persistedQuery: { version: 1, sha256Hash: id } });

/** What a request says, as JSON would. */
interface Sent {
  readonly query?: string;
  readonly documentId?: string;
  readonly extensions?: Record<string, unknown>;
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
}

function get({ url }: { url: string }, sent: Sent): ReturnType<typeof ask> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(sent)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return ask(`${url}?${search.toString()}`, { headers });
}

/** Each way to name a document. */
const ways: readonly (readonly [string, (text: string) => Sent])[] = [
  ['its text', (query) => ({ query })],
  ['the hash, as Apollo has it', (text) => ({ extensions: persisted(toHash(text)) })],
  ['documentId', (text) => ({ documentId: `sha256:${toHash(text)}` })],
  ['documentId without a prefix', (text) => ({ documentId: toHash(text) })],
  ['an APQ registration', (query) => ({ query, extensions: persisted(toHash(query)) })],
];

describe.each([
  ['With trusted documents only', held],
  ['With a manifest', free],
])('%s', (_name, gateway) => {
  it.each(ways)('a query of the manifest runs by %s, by POST and GET', async (_way, name) => {
    const sent = { ...name(list), variables: { environment }, operationName: 'List' };
    const answer = { status: 200, json: { data: { siteToSiteVpns: { totalCount: expect.any(Number) } } } };

    expect(await post(gateway.url, sent, headers)).toMatchObject(answer);
    expect(await get(gateway, sent)).toMatchObject(answer);
  });

  it.each(ways)('a mutation of the manifest runs by %s, by POST alone', async (_way, name) => {
    const sent = { ...name(reset), variables: { input: { environment, id: 'none' } } };

    expect(await post(gateway.url, sent, headers)).toMatchObject({
      status: 200,
      json: { data: { resetSiteToSiteVpn: { userErrors: [{ code: 'NOT_FOUND' }] } } },
    });
    expect(await get(gateway, sent)).toMatchObject({ status: 405 });
  });

  it.each(ways)('a subscription of the manifest runs by %s, over both transports', async (_way, name) => {
    const sent = { query: '', ...name(follow), variables: { environment, id: vpnId } };
    const socket = connectWebSocket(gateway.url);
    const stream = createEventStreamClient({ url: `${gateway.url}/stream`, headers, retryAttempts: 0 });
    const streamed = await openStream(gateway, 'GET', { ...name(follow), variables: { environment, id: vpnId } });
    const followings = [
      toFollowing((sink) => socket.subscribe(sent, sink)),
      toFollowing((sink) => stream.subscribe(sent, sink)),
    ];
    for (const { has, events, stop } of followings) {
      await has(1);
      expect(events[0]).toEqual({ data: { siteToSiteVpnUpdated: { id: vpnId } } });
      stop();
    }
    stream.dispose();
    expect(streamed).toMatchObject({ status: 200, begin: expect.stringContaining(vpnId) });
  });

  it('a subscription of the manifest runs by WebSocket without any text, as Apollo Kotlin sends it', async () => {
    const variables = { environment, id: vpnId };
    const answers = await subscribeBare(gateway, { extensions: persisted(toHash(follow)), variables });

    expect(answers).toEqual([
      { type: 'connection_ack' },
      { id: '1', type: 'next', payload: { data: { siteToSiteVpnUpdated: { id: vpnId } } } },
    ]);
  });

  it('an id of its own is as good as the hash', async () => {
    const answer = { status: 200, json: { data: { mine: 'Query' } } };

    expect(await post(gateway.url, { extensions: persisted('my-own-id') })).toMatchObject(answer);
    expect(await post(gateway.url, { documentId: 'my-own-id' })).toMatchObject(answer);
    expect(await post(gateway.url, { documentId: toHash(custom) })).toMatchObject(answer);
  });

  it('introspection is there where the manifest has it, though it is off', async () => {
    const other = { query: '{ __schema { mutationType { name } } }' };

    expect(await post(gateway.url, { documentId: toHash(types) })).toMatchObject({
      json: { data: { __schema: { queryType: { name: 'Query' } } } },
    });
    expect(await post(gateway.url, { query: types })).toMatchObject({ status: 200 });
    expect(await post(gateway.url, other)).toMatchObject({ status: 400 });
  });

  it('variables are checked as ever', async () => {
    expect(await post(gateway.url, { documentId: toHash(list), variables: { environment: 1 } }, headers)).toMatchObject(
      {
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
      },
    );
  });
});

/** Subscribes without a client, which would want a text; the first two messages that come. */
async function subscribeBare({ url }: TestGateway, payload: Sent): Promise<readonly unknown[]> {
  const bare = await openSocket(url);
  bare.send({ type: 'connection_init', payload: { 'MC-Api-Key': SANDBOX_KEY } });
  await bare.has(1);
  bare.send({ id: '1', type: 'subscribe', payload });
  await bare.has(2);
  bare.socket.close();
  return bare.messages;
}

async function openStream(
  { url }: TestGateway,
  method: 'GET' | 'POST',
  sent: Sent,
): Promise<{ status: number; begin: string; json: unknown }> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(sent)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const left = new AbortController();
  const response = await fetch(method === 'GET' ? `${url}/stream?${search.toString()}` : `${url}/stream`, {
    method,
    headers: { ...headers, accept: 'text/event-stream', 'content-type': 'application/json' },
    body: method === 'POST' ? JSON.stringify(sent) : null,
    signal: left.signal,
  });
  const { status } = response;
  if (status !== 200) return { status, begin: '', json: await response.json() };
  let begin = '';
  const reader = response.body?.getReader();
  while (!begin.includes('data: {')) begin += Buffer.from((await reader?.read())?.value ?? []).toString();
  left.abort();
  return { status, begin, json: undefined };
}

describe('With a manifest, and not it alone', () => {
  it('other documents run, and automatic persisted queries, by documentId too', async () => {
    const text = '{ automatic: __typename }';
    const answer = { status: 200, json: { data: { automatic: 'Query' } } };
    const unknown = { json: { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] } };

    expect(await post(free.url, { documentId: toHash(text) })).toMatchObject(unknown);
    expect(await post(free.url, { query: text, extensions: persisted(toHash(text)) })).toMatchObject(answer);
    expect(await post(free.url, { extensions: persisted(toHash(text)) })).toMatchObject(answer);
    expect(await post(free.url, { documentId: `sha256:${toHash(text)}` })).toMatchObject(answer);
  });

  it('a subscription by an id that is not known is told to send its text, in the words that clients look for', async () => {
    const errors = [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }];

    expect(await openStream(free, 'POST', { documentId: 'unknown' })).toMatchObject({ status: 400, json: { errors } });
    expect((await subscribeBare(free, { extensions: persisted('unknown') }))[1]).toMatchObject({
      type: 'error',
      payload: errors,
    });
  });

  it('a text runs as it is, though its hash is the id of another', async () => {
    await write('crossed.json', { [toHash('{ other: __typename }')]: custom });
    const gateway = await start({ trustedDocuments: join(directory, 'crossed.json') });

    expect(await post(gateway.url, { query: '{ other: __typename }' })).toMatchObject({
      json: { data: { other: 'Query' } },
    });
  });
});

describe('With trusted documents only, nothing else runs', () => {
  const refusal = { errors: [{ extensions: { code: 'TRUSTED_DOCUMENT_REQUIRED', requestId: expect.any(String) } }] };

  it('is told in words that say what to do, and logged and counted as any refusal', async () => {
    const answer = await post(held.url, { query: '{ vpcs { id } }', operationName: 'Mine' }, headers);

    expect(answer.json).toEqual({
      errors: [
        {
          message: 'Only trusted documents run here. Send one that the gateway knows, by its id or by its exact text.',
          extensions: { code: 'TRUSTED_DOCUMENT_REQUIRED', requestId: answer.headers.get('x-request-id') },
        },
      ],
    });
    expect(answer.status).toBe(400);
    expect(held.logs.at(-1)).toMatchObject({ msg: 'operation', errors: ['TRUSTED_DOCUMENT_REQUIRED'] });
  });

  it('an id of one document with the text of another names none', async () => {
    expect(await post(held.url, { query: custom, extensions: persisted(toHash(types)) })).toMatchObject({
      status: 400,
      json: refusal,
    });
    expect(await post(held.url, { documentId: toHash(types), extensions: persisted(toHash(custom)) })).toMatchObject({
      status: 400,
      json: refusal,
    });
  });

  // Near to what is trusted, and far from it.
  const document = fc.oneof(
    fc
      .constantFrom(...trusted)
      .chain((text) => fc.constantFrom(`${text} `, ` ${text}`, `#\n${text}`, text.slice(0, -1))),
    fc.constantFrom('{ __typename }', '{ __schema { types { name } } }', '{ environments { id } }', '{', ''),
    fc.constantFrom(
      `query List { environments { id } }`,
      `mutation { resetSiteToSiteVpn(input: {environment: {serviceCode: "compute-on", name: "test_area"}, id: "${vpnId}"}) { task { id } } }`,
      `subscription { siteToSiteVpnUpdated(environment: {serviceCode: "compute-on", name: "test_area"}, id: "${vpnId}") { id } }`,
    ),
    fc.string(),
  );
  const id = fc.oneof(document.map(toHash), fc.string(), fc.constantFrom(...trusted.map((text) => `${toHash(text)}0`)));
  const trustedId = fc.constantFrom(...trusted.map(toHash));
  const sent: fc.Arbitrary<Sent> = fc.record(
    {
      query: document,
      documentId: fc.oneof(id, trustedId),
      extensions: fc.oneof(id, trustedId).map(persisted),
      operationName: fc.constantFrom('List', 'Follow', 'Other', ''),
      variables: fc.constant({ environment, id: vpnId }),
    },
    { requiredKeys: [] },
  );
  // Without any text, ids of the manifest name what runs.
  const foreign = sent.filter(({ query, documentId, extensions }) => {
    const ids = [documentId, JSON.stringify(extensions)].filter((each) => each !== undefined);
    return !(!query && ids.length > 0 && ids.every((each) => trusted.some((text) => each.includes(toHash(text)))));
  });
  const settings = { numRuns: Number(process.env['RELIABILITY_RUNS'] ?? 100) };

  it('by POST or GET, in any combination of text and ids', async () => {
    await fc.assert(
      fc.asyncProperty(foreign, async (each) => {
        for (const answer of [await post(held.url, { ...each, a: 1 }, headers), await get(held, each)]) {
          expect(answer).toMatchObject({ status: 400, json: refusal });
        }
      }),
      settings,
    );
    expect(held.sandbox.calls).toEqual([]);
  });

  it('by WebSocket or Server-Sent Events, in any combination of text and ids', async () => {
    const socket = connectWebSocket(held.url);
    await fc.assert(
      fc.asyncProperty(foreign, async (each) => {
        const following: Following = toFollowing((sink) => socket.subscribe({ query: '', ...each }, sink));
        await following.ends();
        expect(following).toMatchObject({ events: [], end: refusal.errors });
        for (const method of ['POST', 'GET'] as const) {
          const stream = await openStream(held, method, { query: '', ...each });
          expect(stream).toMatchObject({ status: 400, json: refusal });
        }
      }),
      settings,
    );
    expect(held.sandbox.calls).toEqual([]);
  });

  it('by POST as a batch, be it of documents of the manifest', async () => {
    for (const batch of [[{ query: '{ environments { id } }' }], [{ documentId: toHash(types) }, { query: types }]]) {
      expect(await post(held.url, batch, headers)).toMatchObject({
        status: 400,
        json: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
      });
    }
    expect(held.sandbox.calls).toEqual([]);
  });

  it('what was refused with its hash has not been kept', async () => {
    const text = '{ registered: __typename }';
    await post(held.url, { query: text, extensions: persisted(toHash(text)) });

    expect(await post(held.url, { extensions: persisted(toHash(text)) })).toMatchObject({ status: 400, json: refusal });
  });

  it.each([
    ['WebSocket', byWebSocket],
    ['Server-Sent Events', byEventStream],
  ])('a query of the manifest is no subscription over %s', async (_name, by) => {
    const following = by(held.url)(list, { environment });
    await following.ends();
    expect(following.events).toEqual([]);
  });
});

describe('A manifest', () => {
  const open = (manifest: unknown, overrides = {}) =>
    write('other.json', manifest).then(() => start({ trustedDocuments: join(directory, 'other.json'), ...overrides }));

  const read = (name: string) =>
    new TrustedDocuments({
      file: join(directory, name),
      only: true,
      readDocument: createDocumentReader(createSchema(), readConfig({}), false),
      prepare: () => undefined,
    }).read();

  it('of ids and texts, as GraphQL Codegen and Relay write it, is read too', async () => {
    const gateway = await open({ one: custom }, { trustedDocumentsOnly: true });

    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ json: { data: { mine: 'Query' } } });
  });

  it('may have a document twice, and under several ids', async () => {
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
    ['is no JSON', '{', 'TRUSTED_DOCUMENTS names a file that is not JSON'],
    ['is none', { format: 'other', version: 1, operations: [] }, /^TRUSTED_DOCUMENTS must name a manifest: /],
    ['is of another version', { ...whole, version: 2 }, /^TRUSTED_DOCUMENTS must name a manifest: /],
    ['is empty', toManifest([]), 'TRUSTED_DOCUMENTS names a manifest without any document'],
    ['is an empty object', {}, 'TRUSTED_DOCUMENTS names a manifest without any document'],
    ['is a list', [{ id: 'one', body: custom }], /^TRUSTED_DOCUMENTS must name a manifest: /],
    ['has fragments alone', { one: 'fragment Own on Query { __typename }' }, /, one: Fragment "Own" is never used\./],
    [
      'has what is no GraphQL',
      toManifest([['first', '{ a ']]),
      /^TRUSTED_DOCUMENTS has a document that cannot be run, first: The document is not GraphQL: syntax error at line 1/,
    ],
    [
      'has what the schema lacks, each told',
      { one: '{ nothing }', two: '{ never }', three: custom },
      /^TRUSTED_DOCUMENTS .*, one: Cannot query field "nothing" .*\nTRUSTED_DOCUMENTS .*, two: Cannot query field "never" .*$/,
    ],
    [
      'asks for more than the limits allow',
      {
        deep: `{ siteToSiteVpns(environment: {serviceCode: "a", name: "b"}) { ${'edges { node { vpc { siteToSiteVpns { '.repeat(3)} totalCount ${'} } } } '.repeat(3)} } }`,
      },
      'TRUSTED_DOCUMENTS has a document that cannot be run, deep: The operation is more than 8 fields deep. Ask for less at once.',
    ],
    [
      'has one id for two',
      toManifest([
        ['same', custom],
        ['same', types],
      ]),
      'TRUSTED_DOCUMENTS names two documents by the id same',
    ],
  ])('that %s is not one to run with', async (_what, manifest, message) => {
    await write('wrong.json', manifest);
    await expect(read('wrong.json')).rejects.toThrow(message);
  });

  it('that is not there is not one to run with', async () => {
    await expect(read('none.json')).rejects.toThrow('TRUSTED_DOCUMENTS names a file that cannot be read (ENOENT)');
  });

  it('read again takes effect at once; one that is wrong then is logged, and the old one stays', async () => {
    const gateway = await open({ one: custom }, { trustedDocumentsOnly: true });
    const said = (msg: string) => gateway.logs.filter((line) => line['msg'] === msg);

    await write('other.json', { one: custom, two: types });
    gateway.lifecycle.reread();
    await until(() => said('trusted documents read').length === 2);
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 200 });

    await write('other.json', { one: custom, two: '{ nothing }' });
    gateway.lifecycle.reread();
    await until(() => said('trusted documents not read: those from before stay').length === 1);
    expect(said('trusted documents not read: those from before stay')[0]).toMatchObject({
      level: 50,
      faults: [expect.stringContaining('two: Cannot query field "nothing"')],
    });
    expect(await post(gateway.url, { documentId: 'two' })).toMatchObject({ status: 200 });

    await write('other.json', { two: types });
    gateway.lifecycle.reread();
    await until(() => said('trusted documents read').length === 3);
    expect(await post(gateway.url, { documentId: 'one' })).toMatchObject({ status: 400 });
    expect(await post(gateway.url, { query: custom })).toMatchObject({ status: 400 });
  });
});

describe('Automatic persisted queries', () => {
  it('are forgotten, the oldest first, before there is a megabyte of them', async () => {
    const gateway = await startGatewayOnSandbox();
    const first = '{ first: __typename }';
    await post(gateway.url, { query: first, extensions: persisted(toHash(first)) });
    const texts = Array.from({ length: 64 }, (_each, index) => `{ a${index}: __typename } #`.padEnd(16_000, '#'));
    for (const query of texts) await post(gateway.url, { query, extensions: persisted(toHash(query)) });
    const last = texts.at(-1) ?? '';
    expect(await post(gateway.url, { extensions: persisted(toHash(last)) })).toMatchObject({ json: { data: {} } });

    expect(await post(gateway.url, { extensions: persisted(toHash(first)) })).toMatchObject({
      json: { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] },
    });
  });
});
