// Random responses of the REST API, by shape and byte by byte: each yields a response in GraphQL's shape and no internal error. The gateway
// sends a read at most three times and a write once, and returns all other requested data.
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { toBytes } from '../../helpers/raw-upstream.js';
import { taskId, vpnId, wireVpn } from '../../helpers/fixtures.js';
import { toRunCount } from '../../helpers/run-count.js';
import { writeThenClose, countCalls, environment, type Operation, reads, writes } from './operations.js';
import { checkProperty } from './random.js';
import { expectWellFormed, preSharedKey, startRig, toErrors } from './harness.js';

const rig = await startRig({ CLOUDCA_API_TIMEOUT_MS: '5000' });
const defaultRuns = 150;
// Jest timeout of a test, in milliseconds. It ends a test that hangs and asserts no speed.
const timeoutMs = 30_000 + toRunCount(defaultRuns) * 300;

afterEach(() => rig.verify());

describe('REST response of a random shape', () => {
  it(
    "yields a response in GraphQL's shape and never an internal error",
    async () => {
      const entity = fc
        .dictionary(fc.constantFrom(...Object.keys(wireVpn())), fc.jsonValue())
        .map((fields) => wireVpn(fields));
      const restBody = fc.oneof(
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
      await checkProperty(
        'Random shapes of the REST API',
        defaultRuns,
        fc.asyncProperty(fc.constantFrom(...queries), status, restBody, async (query, code, body) => {
          rig.upstream.script(() => toBytes(code, code === 204 ? '' : JSON.stringify(body)));
          const response = await rig.post({
            query,
            ...(query.includes('$e') ? { variables: { e: environment } } : {}),
          });
          expectWellFormed(response);
          // An operation that was executed has status 200, whatever its errors.
          expect(response.status).toBe(200);
        }),
      );
    },
    timeoutMs,
  );
});

const vpn = wireVpn({ ipSecPsk: preSharedKey });
const documentedBodies = [
  { data: [] },
  { data: [vpn] },
  { data: vpn },
  { taskId, taskStatus: 'SUCCESS', result: vpn },
  { errors: [{ code: 1, message: 'No.' }] },
];
const headerNames = [
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
const headerValues = [
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
const toChunked = (body: Buffer) =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

/** Generates whole responses as bytes. They are valid, except that random headers may contradict the body. */
const wholeResponse = fc
  .record({
    status: fc.oneof(
      { weight: 3, arbitrary: fc.constant(200) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(201, 204, 206, 301, 304, 307, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504),
      },
      { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) },
    ),
    body: fc
      .oneof(fc.constantFrom(...documentedBodies), fc.jsonValue())
      .map((value) => Buffer.from(JSON.stringify(value))),
    form: fc.constantFrom('plain', 'plain', 'gzip', 'chunked', 'without a length'),
    headers: fc.array(
      fc.tuple(
        fc.oneof(fc.constantFrom(...headerNames), fc.stringMatching(/^[a-z][\w-]{0,10}$/)),
        fc.oneof(fc.constantFrom(...headerValues), fc.string({ maxLength: 20, unit: 'binary-ascii' })),
      ),
      { maxLength: 3 },
    ),
  })
  .map(({ status, body, form, headers }) => {
    const encoded = form === 'gzip' ? gzipSync(body) : form === 'chunked' ? toChunked(body) : body;
    const framing = {
      plain: [`content-length: ${body.length}`],
      gzip: ['content-encoding: gzip', `content-length: ${encoded.length}`],
      chunked: ['transfer-encoding: chunked'],
      'without a length': [],
    }[form];
    const lines = [
      `HTTP/1.1 ${status} Status`,
      ...framing,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      '',
      '',
    ];
    return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), encoded]);
  });

/** Generates whole responses, responses with up to four changed places, and random bytes. */
const responseBytes = fc.oneof(
  { weight: 3, arbitrary: wholeResponse },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        wholeResponse,
        fc.array(
          fc.record({
            position: fc.double({ min: 0, max: 1, noNaN: true }),
            removed: fc.nat(8),
            inserted: fc.oneof(
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
        changes.reduce((result, { position, removed, inserted }) => {
          const index = Math.floor(position * result.length);
          return Buffer.concat([result.subarray(0, index), inserted, result.subarray(index + removed)]);
        }, bytes),
      ),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

describe('REST response of random bytes', () => {
  // Enough reads that succeed to keep the circuit closed.
  const goodFields = Array.from(
    { length: 6 },
    (_, index) => `g${index}: vpcs(environment: { serviceCode: "good", name: "n${index}" }) { totalCount }`,
  ).join(' ');
  const goodData = Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`g${index}`, { totalCount: 0 }]));
  const operations = [...reads, ...writes];

  it(
    'yields data or one error at its field, with at most three calls of a read and one of a write',
    async () => {
      const codes = new Set<string>();
      const property = fc.asyncProperty(fc.constantFrom(...operations), responseBytes, async (operation, bytes) => {
        rig.upstream.script(({ target }) => (target.includes('/good/') ? { data: [] } : writeThenClose(bytes)));
        const isRead = reads.includes(operation);
        const query = isRead ? operation.query.replace('{', `{ ${goodFields} `) : operation.query;
        if (!isRead) await rig.post({ query: `{ ${goodFields} }` });
        const response = await rig.post({ query, variables: operation.variables });

        expectWellFormed(response);
        expect(response.status).toBe(200);
        if (isRead) expect(response.json).toMatchObject({ data: goodData });
        const errors = toErrors(response.json);
        expect(errors.length).toBeLessThanOrEqual(1);
        for (const error of errors) {
          expect(error).toMatchObject({ path: [operation.field] });
          codes.add(/"code":"(\w+)"/.exec(response.text)?.[1] ?? '');
        }
        const count = countCalls(rig, operation);
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(isRead ? 3 : 1);
      });
      // Three ways in which a read fails run with every seed.
      const failures = [toBytes(200, '{'), toBytes(503, ''), toBytes(409, { errors: [{ code: 1, message: 'No.' }] })];
      await checkProperty(
        'Random bytes of the REST API',
        defaultRuns,
        property,
        reads.flatMap((read) => failures.map((bytes): [Operation, Buffer] => [read, bytes])),
      );
      for (const code of ['UPSTREAM_BAD_RESPONSE', 'UPSTREAM_UNAVAILABLE', 'UPSTREAM_ERROR'])
        expect(codes).toContain(code);
      expect(rig.gateway.lines().filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
    },
    timeoutMs,
  );
});
