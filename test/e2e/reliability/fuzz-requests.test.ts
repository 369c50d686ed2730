// Random requests: whatever is in a body or a header, the answer is one in GraphQL's shape, and never a mistake of the gateway's.
// RELIABILITY_RUNS sets how many; a counterexample belongs into the file of what it breaks, as a case of its own.
import { afterEach, describe, it } from '@jest/globals';
import fc from 'fast-check';
import { taskId, vpcId, vpnId } from '../../server/subscriptions/changing-rest-api.js';
import { toRuns, tryAtRandom } from './random.js';
import { apiKey, expectWellFormed, startRig } from './harness.js';

const rig = await startRig();
const usual = 150;
// A guard against hanging, and no measure.
const guard = 30_000 + toRuns(usual) * 300;

afterEach(() => rig.settle());

const scope = { serviceCode: 'compute-on', name: 'test_area' };
const requests = [
  {
    query: 'query($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { nodes { id } } }',
    variables: { e: scope },
  },
  { query: 'query A($id: ID!) { task(id: $id) { id result } }', variables: { id: taskId }, operationName: 'A' },
  {
    query: 'mutation($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { userErrors { code } } }',
    variables: { input: { environment: scope, id: vpnId } },
    extensions: {},
  },
  { query: `{ __typename vpc(environment: { serviceCode: "a", name: "b" }, id: "${vpcId}") { name } }` },
];

/** A text with some of its bytes altered, left out, doubled or put elsewhere. */
const mutated = fc
  .record({
    request: fc.constantFrom(...requests),
    changes: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        remove: fc.nat(6),
        insert: fc.oneof(
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
          fc.string({ maxLength: 5, unit: 'binary' }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ request, changes }) =>
    changes.reduce((text, { at, remove, insert }) => {
      const place = Math.floor(at * text.length);
      return text.slice(0, place) + insert + text.slice(place + remove);
    }, JSON.stringify(request)),
  );

/** A request whose parts are any JSON at all. */
const shaped = fc
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

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const body = fc.oneof(
  mutated.map((text) => Buffer.from(text)),
  shaped.map((text) => Buffer.from(text)),
  bytes,
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
  fc.string({ maxLength: 20, unit: 'binary' }),
);

// An id that is a key of nobody's knowledge is an id.
const header = fc
  .tuple(headerName, headerValue)
  .filter(([name, value]) => name !== 'x-request-id' || !value.includes(apiKey));

describe('A random body', () => {
  it(
    'is answered in the shape of GraphQL, and never as a mistake of the gateway',
    async () => {
      rig.upstream.script(({ target }) =>
        target.includes('/tasks/') ? { taskId, taskStatus: 'PENDING' } : { data: [] },
      );
      await tryAtRandom(
        'Random bodies',
        usual,
        fc.asyncProperty(body, async (sent) => {
          const answer = await rig.ask(Uint8Array.from(sent));
          expectWellFormed(answer);
        }),
      );
    },
    guard,
  );
});

describe('Random headers', () => {
  it(
    'are answered in the shape of GraphQL, and never as a mistake of the gateway',
    async () => {
      const methods = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'DELETE');
      const paths = fc.oneof(
        fc.constantFrom('/graphql', '/graphql/stream', '/graphql?query={__typename}', '/'),
        fc.stringMatching(/^\/[\w%./?=&{}-]{0,20}$/),
      );
      await tryAtRandom(
        'Random headers',
        usual,
        fc.asyncProperty(
          methods,
          paths,
          fc.array(header, { maxLength: 8 }),
          body,
          async (method, path, headers, sent) => {
            const lines = [
              `${method} ${path} HTTP/1.1`,
              'host: a',
              'connection: close',
              ...headers.map(([name, value]) => `${name}: ${value}`),
            ];
            const length = headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding')
              ? []
              : [`content-length: ${sent.length}`];
            const head = Buffer.from([...lines, ...length, '', ''].join('\r\n'));
            // The sender's half is closed, so that nothing is waited for that never comes.
            const answers = await rig.send(Buffer.concat([head, sent]), { half: true });
            for (const answer of answers) expectWellFormed(answer);
          },
        ),
      );
    },
    guard,
  );
});
