// Random answers of the REST API, in shape and byte by byte: each is told in the shape of GraphQL, none makes the gateway stumble, a read is
// tried three times at the most, a write is sent once, and what else was asked for is there.
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toBytes } from '../../helpers/raw-upstream.js';
import { taskId, vpnId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import { closing, countCalls, environment as scope, type Operation, reads, writes } from './operations.js';
import { toRuns, tryAtRandom } from './random.js';
import { expectWellFormed, preSharedKey, startRig, toErrors } from './harness.js';

const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: '5000' });
const usual = 150;
// A guard against hanging, and no measure.
const guard = 30_000 + toRuns(usual) * 300;

afterEach(() => rig.settle());

describe('A random answer of the REST API', () => {
  it(
    'is told in the shape of GraphQL, and never as a mistake of the gateway',
    async () => {
      const entity = fc
        .dictionary(fc.constantFrom(...Object.keys(wireVpn())), fc.jsonValue())
        .map((fields) => wireVpn(fields));
      const answer = fc.oneof(
        fc.jsonValue(),
        fc.record(
          { data: fc.jsonValue(), errors: fc.jsonValue(), taskId: fc.jsonValue(), taskStatus: fc.jsonValue() },
          { requiredKeys: [] },
        ),
        fc.record({ data: fc.oneof(fc.array(entity, { maxLength: 3 }), entity) }),
        fc.record({
          taskId: fc.constant(taskId),
          taskStatus: fc.constantFrom('SUCCESS', 'FAILED', 'PENDING'),
          result: fc.oneof(fc.jsonValue(), entity),
        }),
      );
      const status = fc.constantFrom(200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 405, 409, 418, 500);
      const fields =
        'id name state ikeHashAlgorithm ikeLifetime dpd unknownValues { field value } vpc { name } environment { name }';
      const queries = [
        `query($e: EnvironmentInput!) { siteToSiteVpns(environment: $e) { nodes { ${fields} } } }`,
        `query($e: EnvironmentInput!) { siteToSiteVpn(environment: $e, id: "${vpnId}") { ${fields} } }`,
        `query { task(id: "${taskId}") { status created result errors { code message } siteToSiteVpn { name } } }`,
        '{ environments { id name organization { name } serviceConnection { serviceCode reachable } } }',
        `mutation($e: EnvironmentInput!) { resetSiteToSiteVpn(input: { environment: $e, id: "${vpnId}" }) { task { id result } userErrors { message } } }`,
      ];
      await tryAtRandom(
        'Random shapes of the REST API',
        usual,
        fc.asyncProperty(fc.constantFrom(...queries), status, answer, async (query, code, told) => {
          rig.upstream.script(() => toBytes(code, code === 204 ? '' : JSON.stringify(told)));
          const sent = await rig.ask({ query, ...(query.includes('$e') ? { variables: { e: scope } } : {}) });
          expectWellFormed(sent);
          // It was executed, whatever came of it.
          expect(sent.status).toBe(200);
        }),
      );
    },
    guard,
  );
});

const vpn = wireVpn({ ipSecPsk: preSharedKey });
const bodies = [
  { data: [] },
  { data: [vpn] },
  { data: vpn },
  { taskId, taskStatus: 'SUCCESS', result: vpn },
  { errors: [{ code: 1, message: 'No.' }] },
];
const heads = [
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'retry-after',
  'location',
  'upgrade',
  'trailer',
  'set-cookie',
  'x-request-id',
];
const values = [
  'gzip',
  'br',
  'deflate',
  'identity',
  'chunked',
  'gzip, chunked',
  '0',
  '1',
  '99999999',
  '-1',
  'close',
  'keep-alive',
  'timeout=0',
  'text/html',
  'application/json; charset=utf-16',
  '/elsewhere',
  'http://127.0.0.1:9/',
  'h2c',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  '',
];
const chunked = (body: Buffer) =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

/** A whole answer as bytes: sound, but for headers that may not be. */
const sound = fc
  .record({
    status: fc.oneof(
      { weight: 3, arbitrary: fc.constant(200) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(201, 204, 206, 301, 304, 307, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504),
      },
      { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) },
    ),
    body: fc.oneof(fc.constantFrom(...bodies), fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value))),
    form: fc.constantFrom('plain', 'plain', 'gzip', 'chunked', 'without a length'),
    headers: fc.array(
      fc.tuple(
        fc.oneof(fc.constantFrom(...heads), fc.stringMatching(/^[a-z][\w-]{0,10}$/)),
        fc.oneof(fc.constantFrom(...values), fc.string({ maxLength: 20, unit: 'binary-ascii' })),
      ),
      { maxLength: 3 },
    ),
  })
  .map(({ status, body, form, headers }) => {
    const sent = form === 'gzip' ? gzipSync(body) : form === 'chunked' ? chunked(body) : body;
    const own = {
      plain: [`content-length: ${body.length}`],
      gzip: ['content-encoding: gzip', `content-length: ${sent.length}`],
      chunked: ['transfer-encoding: chunked'],
      'without a length': [],
    }[form];
    const lines = [`HTTP/1.1 ${status} Status`, ...own, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''];
    return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), sent]);
  });

/** The same with some of its bytes altered, left out, doubled or put elsewhere; or any bytes. */
const altered = fc.oneof(
  { weight: 3, arbitrary: sound },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        sound,
        fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 1, noNaN: true }),
            remove: fc.nat(8),
            insert: fc.oneof(
              fc
                .constantFrom(
                  '\r\n',
                  '\n',
                  '\r\n\r\n',
                  ': ',
                  '\0',
                  '{',
                  '}',
                  '[',
                  '"',
                  '\\ud800',
                  '1e999',
                  '0',
                  'HTTP/1.1 200 OK\r\n',
                )
                .map((text) => Buffer.from(text)),
              fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
            ),
          }),
          { minLength: 1, maxLength: 4 },
        ),
      )
      .map(([bytes, changes]) =>
        changes.reduce((all, { at, remove, insert }) => {
          const place = Math.floor(at * all.length);
          return Buffer.concat([all.subarray(0, place), insert, all.subarray(place + remove)]);
        }, bytes),
      ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

describe('Random bytes of the REST API', () => {
  // Enough that works beside, for the circuit to stay closed.
  const good = Array.from(
    { length: 6 },
    (_, index) => `g${index}: vpcs(environment: { serviceCode: "good", name: "n${index}" }) { totalCount }`,
  ).join(' ');
  const goodData = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`g${index}`, { totalCount: 0 }]));
  const operations = [...reads, ...writes];

  it(
    'are an answer, or an error for what was asked of it alone',
    async () => {
      const ends = new Set<string>();
      const property = fc.asyncProperty(fc.constantFrom(...operations), altered, async (operation, bytes) => {
        rig.upstream.script(({ target }) => (target.includes('/good/') ? { data: [] } : closing(bytes)));
        const isRead = reads.includes(operation);
        const query = isRead ? operation.query.replace('{', `{ ${good} `) : operation.query;
        if (!isRead) await rig.ask({ query: `{ ${good} }` });
        const answer = await rig.ask({ query, variables: operation.variables });

        expectWellFormed(answer);
        expect(answer.status).toBe(200);
        if (isRead) expect(answer.json).toMatchObject({ data: goodData });
        const errors = toErrors(answer.json);
        expect(errors.length).toBeLessThanOrEqual(1);
        for (const error of errors) {
          expect(error).toMatchObject({ path: [operation.field] });
          ends.add(/"code":"(\w+)"/.exec(answer.text)?.[1] ?? '');
        }
        const count = countCalls(rig, operation);
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(isRead ? 3 : 1);
      });
      // How a read may end, whatever the seed.
      const known = [toBytes(200, '{'), toBytes(503, ''), toBytes(409, { errors: [{ code: 1, message: 'No.' }] })];
      await tryAtRandom(
        'Random bytes of the REST API',
        usual,
        property,
        reads.flatMap((read) => known.map((bytes): [Operation, Buffer] => [read, bytes])),
      );
      for (const code of ['UPSTREAM_BAD_RESPONSE', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_ERROR'])
        expect(ends).toContain(code);
      expect(rig.gateway.lines().filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
    },
    guard,
  );
});
