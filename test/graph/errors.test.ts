// Errors of reads, for each way in which the REST API can fail. None reveals its address, its response body or the API key. The clock is
// fake.
import { describe, expect, it } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { formatGraphqlError } from '../../src/graph/errors.js';
import { receiveBodyChunk } from '../cloudca/test-client.js';
import { useFakeClock } from '../helpers/fake-clock.js';
import { startGateway } from '../helpers/gateway.js';
import { trackRestCalls } from '../helpers/rest-calls.js';
import { dropConnection, json, raw, type Script } from '../helpers/upstream.js';
import { environment, environmentPath, numberedId } from '../helpers/fixtures.js';
import { deadlineMs, failure, startOnUpstream, toGraph } from './graph-client.js';

const graph = await startOnUpstream();
const restCalls = trackRestCalls(graph.gateway.client);
const clock = useFakeClock();
// Nothing listens on port 1.
const unreachable = toGraph(await startGateway({ restApi: 'http://127.0.0.1:1/v1' }), () => []);

const list = `query ($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { totalCount } }`;
const variables = { environment };
const path = ['siteToSiteVpns'];
const secrets = /sandbox-key|127\.0\.0\.1|localhost|canary|\bat .*\.ts/;

const errors = [{ code: 2012, message: 'Why.', context: { secret: 'canary' } }];
const upstreamErrors = (status: number) => ({ upstream: { status, errors: [{ code: '2012', message: 'Why.' }] } });

const messages = {
  unauthenticated: 'The REST API does not accept this API key.',
  forbidden: 'This API key is not allowed to do that.',
  notFound: 'The REST API has no environment test_area in the service compute-on. Check both, and the organizationId.',
  rateLimited: 'The REST API limits the rate of requests. Try again later.',
  rejected: 'The REST API rejected the request.',
  failed: 'The REST API failed to process the request.',
  unavailable: 'The REST API is not available at the moment.',
  timedOut: 'The REST API did not respond in time.',
  unexpected: 'The REST API sent an unexpected response.',
  malformed: 'The REST API sent a response that is not of the documented form.',
  redirected: 'The REST API sent a redirect. The gateway does not follow redirects.',
} as const;

/**
 * Reads the list from a scripted REST API, without waiting for the delays before retries. Returns the body of the response and the number
 * of attempts.
 */
async function run(script: Script): Promise<{ body: unknown; attempts: number }> {
  graph.upstream.script(script);
  const body = await restCalls.complete(graph.execute(list, variables), clock);
  expect(JSON.stringify(body)).not.toMatch(secrets);
  const attempts = graph.calls().filter((call) => call === `GET ${environmentPath}/sitetositevpns`).length;
  return { body, attempts };
}

const failedList = (code: string, message: string, more: object = {}) => ({
  data: { siteToSiteVpns: null },
  errors: [failure(code, path, message, more)],
});

describe('Read for which the REST API returns errors', () => {
  it.each([
    [200, 'UPSTREAM_ERROR', messages.rejected, 1],
    [400, 'UPSTREAM_ERROR', messages.rejected, 1],
    [401, 'UNAUTHENTICATED', messages.unauthenticated, 1],
    [403, 'FORBIDDEN', messages.forbidden, 1],
    [404, 'NOT_FOUND', messages.notFound, 1],
    [405, 'UPSTREAM_ERROR', messages.failed, 1],
    [409, 'UPSTREAM_ERROR', messages.rejected, 1],
    [429, 'RATE_LIMITED', messages.rateLimited, 3],
    [500, 'UPSTREAM_ERROR', messages.failed, 1],
    [501, 'UPSTREAM_ERROR', messages.failed, 1],
    [502, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [503, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [504, 'UPSTREAM_TIMEOUT', messages.timedOut, 3],
  ])('with status %i fails with %s and passes the errors on', async (status, code, message, attempts) => {
    expect(await run(() => json(status, { errors, data: [] }))).toEqual({
      body: failedList(code, message, upstreamErrors(status)),
      attempts,
    });
  });

  it('has the API key redacted from the errors', async () => {
    const echo = [{ errorCode: 'no sandbox-key', message: 'The key sandbox-key is unknown; sandbox-key!' }];
    expect(await run(() => json(403, { errors: echo }))).toEqual({
      body: failedList('FORBIDDEN', messages.forbidden, {
        upstream: {
          status: 403,
          errors: [{ code: 'no [secret]', message: 'The key [secret] is unknown; [secret]!' }],
        },
      }),
      attempts: 1,
    });
  });
});

const toProxyMessage = (status: number) =>
  `A proxy responded with status ${status} instead of the REST API. This says nothing of what was requested. Try again later.`;

describe('Read for which the REST API returns no errors', () => {
  it.each([
    [400, 'UPSTREAM_BAD_RESPONSE', messages.unexpected, 1],
    [401, 'UNAUTHENTICATED', messages.unauthenticated, 1],
    [403, 'UPSTREAM_BAD_RESPONSE', toProxyMessage(403), 1],
    [404, 'UPSTREAM_BAD_RESPONSE', toProxyMessage(404), 1],
    [405, 'UPSTREAM_ERROR', messages.failed, 1],
    [418, 'UPSTREAM_BAD_RESPONSE', messages.unexpected, 1],
    [429, 'RATE_LIMITED', messages.rateLimited, 3],
    [500, 'UPSTREAM_ERROR', messages.failed, 1],
    [501, 'UPSTREAM_BAD_RESPONSE', messages.unexpected, 1],
    [502, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [503, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [504, 'UPSTREAM_TIMEOUT', messages.timedOut, 3],
    [521, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [524, 'UPSTREAM_TIMEOUT', messages.timedOut, 3],
  ])('with status %i and HTML fails with %s, without extensions.upstream', async (status, code, message, attempts) => {
    expect(await run(() => raw(status, '<html>canary</html>', { 'content-type': 'text/html' }))).toEqual({
      body: failedList(code, message),
      attempts,
    });
  });

  it.each([301, 302, 303, 307, 308])(
    'fails with UPSTREAM_BAD_RESPONSE for the redirect %i, and does not follow it',
    async (status) => {
      expect(await run(() => json(status, { errors }, { location: '/v1/canary' }))).toEqual({
        body: failedList('UPSTREAM_BAD_RESPONSE', messages.redirected),
        attempts: 1,
      });
    },
  );

  it.each<[string, Script]>([
    ['HTML', () => raw(200, '<html>canary</html>', { 'content-type': 'text/html' })],
    ['truncated JSON', () => raw(200, '{"data": [{"canary": ')],
    ['no body and status 204', () => raw(204)],
    ['no body and status 200', () => raw(200)],
    ['no data', () => ({ metadata: 'canary' })],
    ['null for data', () => ({ data: null })],
    ['a bare list', () => ['canary']],
  ])('fails with UPSTREAM_BAD_RESPONSE for a success with %s', async (_, script) => {
    expect(await run(script)).toEqual({ body: failedList('UPSTREAM_BAD_RESPONSE', messages.malformed), attempts: 1 });
  });
});

describe('extensions.retryAfter', () => {
  it('is the Retry-After of the REST API if the deadline leaves no time to wait for it', async () => {
    expect(await run(() => json(429, { errors }, { 'retry-after': '61' }))).toEqual({
      body: failedList('RATE_LIMITED', messages.rateLimited, { ...upstreamErrors(429), retryAfter: 61 }),
      attempts: 1,
    });
  });

  it('is the Retry-After of the last of three attempts', async () => {
    expect(await run(() => json(429, {}, { 'retry-after': '0' }))).toEqual({
      body: failedList('RATE_LIMITED', messages.rateLimited, { retryAfter: 0 }),
      attempts: 3,
    });
  });

  it.each(['soon', '-7', '1e3', ''])('is absent if Retry-After is %j', async (value) => {
    const { body } = await run(() => json(429, {}, { 'retry-after': value }));
    expect(body).toEqual(failedList('RATE_LIMITED', messages.rateLimited));
  });

  it('is absent if Retry-After is more than a day', async () => {
    const { body } = await run(() => json(429, {}, { 'retry-after': '86401' }));
    expect(body).toEqual(failedList('RATE_LIMITED', messages.rateLimited));
  });

  it('is absent for other codes than RATE_LIMITED', async () => {
    const { body } = await run(() => json(503, {}, { 'retry-after': '0' }));
    expect(body).toEqual(failedList('UPSTREAM_UNAVAILABLE', messages.unavailable));
  });
});

describe('Read that gets no response', () => {
  it('fails with UPSTREAM_UNAVAILABLE if the connection is refused, and a write has a known outcome', async () => {
    const read = unreachable.execute(list, variables);
    const body = await trackRestCalls(unreachable.gateway.client).complete(read, clock);
    expect(body).toEqual(failedList('UPSTREAM_UNAVAILABLE', 'The REST API cannot be reached.'));
    const remove = 'mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { __typename } }';
    const written = await unreachable.execute(remove, { input: { environment, id: numberedId('vpn', 1) } });
    expect(written).toEqual({
      data: { deleteSiteToSiteVpn: null },
      errors: [failure('UPSTREAM_UNAVAILABLE', ['deleteSiteToSiteVpn'], 'The REST API cannot be reached.')],
    });
  });

  it('fails with UPSTREAM_UNAVAILABLE if the connection is lost three times', async () => {
    expect(await run(() => dropConnection)).toEqual({
      body: failedList('UPSTREAM_UNAVAILABLE', 'The connection to the REST API was lost.'),
      attempts: 3,
    });
  });

  const passDeadline = () => {
    clock.advance(deadlineMs);
  };

  it.each<[string, Script]>([
    ['the REST API does not respond', () => passDeadline],
    [
      'the response body does not end',
      () => (response) => {
        void receiveBodyChunk().then(passDeadline);
        response.writeHead(200).write('{"data": [');
      },
    ],
  ])('fails with UPSTREAM_TIMEOUT if %s', async (_, script) => {
    expect(await run(script)).toEqual({
      body: failedList('UPSTREAM_TIMEOUT', messages.timedOut),
      attempts: 1,
    });
  });

  it('succeeds if a later attempt succeeds', async () => {
    expect(await run((_, index) => [dropConnection, raw(502), { data: [] }][index] ?? raw(500))).toEqual({
      body: { data: { siteToSiteVpns: { totalCount: 0 } } },
      attempts: 3,
    });
  });
});

describe('Read of one object', () => {
  it.each([
    [
      'siteToSiteVpn',
      `query ($environment: EnvironmentInput!, $id: ID!) { it: siteToSiteVpn(environment: $environment, id: $id) { id } }`,
    ],
    ['vpc', `query ($environment: EnvironmentInput!, $id: ID!) { it: vpc(environment: $environment, id: $id) { id } }`],
    [
      'task',
      `query ($environment: EnvironmentInput!, $id: ID!) { it: task(environment: $environment, id: $id) { id } }`,
    ],
  ])(
    'returns null for %s if the REST API returns 404 with errors, and fails if a proxy returns it',
    async (_, query) => {
      const read = () => graph.execute(query, { environment, id: numberedId('vpn', 1) });
      graph.upstream.script(() => json(404, { errors }));
      expect(await read()).toEqual({ data: { it: null } });
      for (const response of [
        raw(404, '<html>canary</html>'),
        raw(404, 'default backend - 404'),
        raw(404),
        json(404, {}),
      ]) {
        graph.upstream.script(() => response);
        expect(await read()).toEqual({
          data: { it: null },
          errors: [failure('UPSTREAM_BAD_RESPONSE', ['it'], toProxyMessage(404))],
        });
      }
    },
  );
});

describe('formatGraphqlError', () => {
  it.each([
    ['an error of a library', new TypeError('canary')],
    ['a GraphQLError without a code', new GraphQLError('canary')],
    [
      'a GraphQLError with an unknown code',
      new GraphQLError('canary', { extensions: { code: 'CANARY', key: 'canary' } }),
    ],
    ['a thrown string', 'canary'],
    ['an error wrapped in a GraphQLError', new GraphQLError('canary', { originalError: new Error('canary') })],
  ])('replaces message and extensions of %s', (_, error) => {
    const formatted = {
      message: 'canary',
      path: ['a'],
      locations: [{ line: 1, column: 1 }],
      extensions: { stack: 'canary' },
    };
    expect(formatGraphqlError(formatted, error)).toEqual({
      message: 'Internal error in the gateway. Quote the request id to its operators.',
      path: ['a'],
      locations: [{ line: 1, column: 1 }],
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
  });
});
