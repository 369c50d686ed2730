// Random bodies and headers: each response has GraphQL's shape and is no internal error. RELIABILITY_RUNS sets the number of requests.
// Add a counterexample as a case of its own to the test file of the feature that it breaks.
import { afterEach, describe, it } from '@jest/globals';
import fc from 'fast-check';
import { taskId, vpcId, vpnId } from '../../helpers/fixtures.js';
import { toRunCount } from '../../helpers/run-count.js';
import { anyCharacter, checkProperty } from './random.js';
import { apiKey, expectWellFormed, startRig } from './harness.js';

const rig = await startRig();
const defaultRuns = 150;
// Jest timeout of a test, in milliseconds. It ends a test that hangs and asserts no speed.
const timeoutMs = 30_000 + toRunCount(defaultRuns) * 300;

afterEach(() => rig.verify());

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const requests = [
  {
    query: 'query($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { nodes { id } } }',
    variables: { e: environment },
  },
  { query: 'query A($id: ID!) { task(id: $id) { id result } }', variables: { id: taskId }, operationName: 'A' },
  {
    query: 'mutation($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }',
    variables: { input: { environment, id: vpnId } },
    extensions: {},
  },
  { query: `{ __typename vpc(environment: { serviceCode: "a", name: "b" }, id: "${vpcId}") { name } }` },
];

/** Generates request bodies with one to four changes: up to six characters removed and others inserted. */
const mutatedText = fc
  .record({
    request: fc.constantFrom(...requests),
    changes: fc.array(
      fc.record({
        position: fc.double({ min: 0, max: 1, noNaN: true }),
        removed: fc.nat(6),
        inserted: fc.oneof(
          fc.constantFrom(
            '"',
            '{',
            '}',
            '[',
            ']',
            ',',
            ':',
            '\\',
            'null',
            '$',
            '!',
            '...',
            '@',
            '#',
            '\\u0000',
            '\\ud800',
            '1e999',
            '-',
            '(',
            ')',
          ),
          fc.string({ unit: anyCharacter, maxLength: 5 }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ request, changes }) =>
    changes.reduce((text, { position, removed, inserted }) => {
      const index = Math.floor(position * text.length);
      return text.slice(0, index) + inserted + text.slice(index + removed);
    }, JSON.stringify(request)),
  );

/** Generates requests whose members are any JSON values. */
const requestText = fc
  .record(
    {
      query: fc.oneof(fc.constantFrom(...requests.map(({ query }) => query)), fc.jsonValue()),
      variables: fc.oneof(fc.jsonValue(), fc.record({ e: fc.jsonValue(), id: fc.jsonValue(), input: fc.jsonValue() })),
      operationName: fc.jsonValue(),
      extensions: fc.oneof(fc.jsonValue(), fc.record({ persistedQuery: fc.jsonValue() })),
    },
    { requiredKeys: [] },
  )
  .map((body) => JSON.stringify(body));

const randomBytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const body = fc.oneof(
  mutatedText.map((text) => Buffer.from(text)),
  requestText.map((text) => Buffer.from(text)),
  randomBytes,
);

const headerName = fc.oneof(
  fc.constantFrom(
    'accept',
    'content-type',
    'content-encoding',
    'expect',
    'origin',
    'x-request-id',
    'accept-encoding',
    'connection',
    'te',
  ),
  fc.constantFrom(
    'mc-api-key',
    'host',
    'content-length',
    'transfer-encoding',
    'upgrade',
    'apollo-require-preflight',
    'authorization',
    'cookie',
  ),
  fc.stringMatching(/^[a-z][\w-]{0,10}$/),
);
const headerValue = fc.oneof(
  fc.constantFrom(
    'application/json',
    '*/*',
    'text/html',
    'gzip',
    'chunked',
    '0',
    '1',
    'close',
    'keep-alive',
    'websocket',
    'h2c',
    'null',
    apiKey,
  ),
  fc.string({ maxLength: 20, unit: 'binary-ascii' }),
  fc.string({ unit: anyCharacter, maxLength: 20 }),
);

// The gateway may echo a request id. It cannot know that an id is a key if the request has no such MC-Api-Key header.
const header = fc
  .tuple(headerName, headerValue)
  .filter(([name, value]) => name !== 'x-request-id' || !value.includes(apiKey));

describe('POST /graphql with a random body', () => {
  it(
    "returns a response in GraphQL's shape and never an internal error",
    async () => {
      rig.upstream.script(({ target }) =>
        target.includes('/tasks/') ? { taskId, taskStatus: 'PENDING' } : { data: [] },
      );
      await checkProperty(
        'Random bodies',
        defaultRuns,
        fc.asyncProperty(body, async (bytes) => {
          const response = await rig.post(Uint8Array.from(bytes));
          expectWellFormed(response);
        }),
      );
    },
    timeoutMs,
  );
});

describe('HTTP request with random headers', () => {
  it(
    "gets a response in GraphQL's shape and never an internal error",
    async () => {
      const methods = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'DELETE');
      const paths = fc.oneof(
        fc.constantFrom('/graphql', '/graphql/stream', '/graphql?query={__typename}', '/'),
        fc.stringMatching(/^\/[\w%./?=&{}-]{0,20}$/),
      );
      await checkProperty(
        'Random headers',
        defaultRuns,
        fc.asyncProperty(
          methods,
          paths,
          fc.array(header, { maxLength: 8 }),
          body,
          async (method, path, headers, bytes) => {
            const lines = [
              `${method} ${path} HTTP/1.1`,
              'host: a',
              'connection: close',
              ...headers.map(([name, value]) => `${name}: ${value}`),
            ];
            const length = headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding')
              ? []
              : [`content-length: ${bytes.length}`];
            const head = Buffer.from([...lines, ...length, '', ''].join('\r\n'));
            // The client closes its half, so that the gateway does not wait for a body that never comes.
            const responses = await rig.send(Buffer.concat([head, bytes]), { halfClose: true });
            for (const response of responses) expectWellFormed(response);
          },
        ),
      );
    },
    timeoutMs,
  );
});
