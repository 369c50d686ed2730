// What a caller is told of each way in which the REST API can fail a read, and that nothing of the REST API's address, of its answers
// or of the key is told along.
import { describe, expect, it } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { toFormattedError } from '../../src/graph/errors.js';
import { startGateway } from '../helpers/gateway.js';
import { cut, json, raw, type Script } from '../helpers/upstream.js';
import { area, environment, failure, startOnUpstream, toGraph, toId } from './graph-client.js';

const graph = await startOnUpstream();
const hasty = await startOnUpstream({ cloudcaApiTimeoutMs: 600 });
// Nothing listens on port 1.
const nobody = toGraph(await startGateway('http://127.0.0.1:1/v1'), () => []);

const list = `query ($environment: EnvironmentInput!) { siteToSiteVpns(environment: $environment) { totalCount } }`;
const variables = { environment };
const path = ['siteToSiteVpns'];
const secrets = /sandbox-key|127\.0\.0\.1|localhost|canary|\bat .*\.ts/;

const errors = [{ code: 2012, message: 'Why.', context: { secret: 'canary' } }];
const told = (status: number) => ({ upstream: { status, errors: [{ code: '2012', message: 'Why.' }] } });

const messages = {
  unauthenticated: 'The REST API does not accept this API key.',
  forbidden: 'This API key is not allowed to do that.',
  notFound: 'The REST API knows no environment test_area in the service compute-on.',
  rateLimited: 'The REST API is asked too often; ask again later.',
  refused: 'The REST API refused the request.',
  failed: 'The REST API failed at this request.',
  unavailable: 'The REST API is not available at the moment.',
  late: 'The REST API did not answer in time.',
  unexpected: 'The REST API answered with something unexpected.',
  odd: 'The REST API answered with something other than the documented form.',
  elsewhere: 'The REST API sends callers elsewhere; redirects are not followed.',
} as const;

/** Runs the list against a script; the answer, and how often it was tried. */
async function run(script: Script, on = graph): Promise<{ body: unknown; tries: number }> {
  on.upstream.script(script);
  const body = await on.ask(list, variables);
  expect(JSON.stringify(body)).not.toMatch(secrets);
  return { body, tries: on.calls().filter((call) => call === `GET ${area}/sitetositevpns`).length };
}

const failed = (code: string, message: string, more: object = {}) => ({
  data: { siteToSiteVpns: null },
  errors: [failure(code, path, message, more)],
});

describe('a read that the REST API answers with errors', () => {
  it.each([
    [200, 'UPSTREAM_ERROR', messages.refused, 1],
    [400, 'UPSTREAM_ERROR', messages.refused, 1],
    [401, 'UNAUTHENTICATED', messages.unauthenticated, 1],
    [403, 'FORBIDDEN', messages.forbidden, 1],
    [404, 'NOT_FOUND', messages.notFound, 1],
    [405, 'UPSTREAM_ERROR', messages.failed, 1],
    [409, 'UPSTREAM_ERROR', messages.refused, 1],
    [429, 'RATE_LIMITED', messages.rateLimited, 3],
    [500, 'UPSTREAM_ERROR', messages.failed, 1],
    [501, 'UPSTREAM_ERROR', messages.failed, 1],
    [502, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [503, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [504, 'UPSTREAM_TIMEOUT', messages.late, 3],
  ])('under %i is %s, and tells them', async (status, code, message, tries) => {
    expect(await run(() => json(status, { errors, data: [] }))).toEqual({
      body: failed(code, message, told(status)),
      tries,
    });
  });

  it('has the key struck out of them', async () => {
    const echo = [{ errorCode: 'no sandbox-key', message: 'The key sandbox-key is unknown; sandbox-key!' }];
    expect(await run(() => json(403, { errors: echo }))).toEqual({
      body: failed('FORBIDDEN', messages.forbidden, {
        upstream: {
          status: 403,
          errors: [{ code: 'no [secret]', message: 'The key [secret] is unknown; [secret]!' }],
        },
      }),
      tries: 1,
    });
  });
});

describe('a read that the REST API answers without errors', () => {
  it.each([
    [400, 'UPSTREAM_BAD_RESPONSE', messages.refused, 1],
    [401, 'UNAUTHENTICATED', messages.unauthenticated, 1],
    [403, 'FORBIDDEN', messages.forbidden, 1],
    [404, 'NOT_FOUND', messages.notFound, 1],
    [405, 'UPSTREAM_ERROR', messages.failed, 1],
    [418, 'UPSTREAM_BAD_RESPONSE', messages.unexpected, 1],
    [429, 'RATE_LIMITED', messages.rateLimited, 3],
    [500, 'UPSTREAM_ERROR', messages.failed, 1],
    [501, 'UPSTREAM_BAD_RESPONSE', messages.unexpected, 1],
    [502, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [503, 'UPSTREAM_UNAVAILABLE', messages.unavailable, 3],
    [504, 'UPSTREAM_TIMEOUT', messages.late, 3],
  ])('but %i in HTML is %s, and has no upstream', async (status, code, message, tries) => {
    expect(await run(() => raw(status, '<html>canary</html>', { 'content-type': 'text/html' }))).toEqual({
      body: failed(code, message),
      tries,
    });
  });

  it.each([301, 302, 303, 307, 308])(
    'but a redirect, %i, is UPSTREAM_BAD_RESPONSE, and is not followed',
    async (status) => {
      expect(await run(() => json(status, { errors }, { location: '/v1/canary' }))).toEqual({
        body: failed('UPSTREAM_BAD_RESPONSE', messages.elsewhere),
        tries: 1,
      });
    },
  );

  it.each<[string, Script]>([
    ['HTML', () => raw(200, '<html>canary</html>', { 'content-type': 'text/html' })],
    ['half a JSON', () => raw(200, '{"data": [{"canary": ')],
    ['no body, 204', () => raw(204)],
    ['no body, 200', () => raw(200)],
    ['no data', () => ({ metadata: 'canary' })],
    ['null for data', () => ({ data: null })],
    ['a bare list', () => ['canary']],
  ])('but %s is UPSTREAM_BAD_RESPONSE', async (_, script) => {
    expect(await run(script)).toEqual({ body: failed('UPSTREAM_BAD_RESPONSE', messages.odd), tries: 1 });
  });
});

describe('extensions.retryAfter', () => {
  it('is what the REST API names, where the deadline does not leave the time to wait for it', async () => {
    expect(await run(() => json(429, { errors }, { 'retry-after': '7' }), hasty)).toEqual({
      body: failed('RATE_LIMITED', messages.rateLimited, { ...told(429), retryAfter: 7 }),
      tries: 1,
    });
  });

  it('is what the last of three tries names', async () => {
    expect(await run(() => json(429, {}, { 'retry-after': '0' }))).toEqual({
      body: failed('RATE_LIMITED', messages.rateLimited, { retryAfter: 0 }),
      tries: 3,
    });
  });

  it.each(['soon', '-7', '1e3', ''])('is absent where the REST API names %j', async (value) => {
    const { body } = await run(() => json(429, {}, { 'retry-after': value }));
    expect(body).toEqual(failed('RATE_LIMITED', messages.rateLimited));
  });

  it('is absent where it is longer than a day', async () => {
    const { body } = await run(() => json(429, {}, { 'retry-after': '86401' }));
    expect(body).toEqual(failed('RATE_LIMITED', messages.rateLimited));
  });

  it('is for RATE_LIMITED alone', async () => {
    const { body } = await run(() => json(503, {}, { 'retry-after': '0' }));
    expect(body).toEqual(failed('UPSTREAM_UNAVAILABLE', messages.unavailable));
  });
});

describe('a read that comes to no answer', () => {
  it('is UPSTREAM_UNAVAILABLE where nobody listens, and so is a write: its outcome is known', async () => {
    const body = await nobody.ask(list, variables);
    expect(body).toEqual(failed('UPSTREAM_UNAVAILABLE', 'The REST API cannot be reached.'));
    const remove = 'mutation ($input: DeleteSiteToSiteVpnInput!) { deleteSiteToSiteVpn(input: $input) { __typename } }';
    const written = await nobody.ask(remove, { input: { environment, id: toId('vpn', 1) } });
    expect(written).toEqual({
      data: { deleteSiteToSiteVpn: null },
      errors: [failure('UPSTREAM_UNAVAILABLE', ['deleteSiteToSiteVpn'], 'The REST API cannot be reached.')],
    });
  });

  it('is UPSTREAM_UNAVAILABLE where the connection is lost three times', async () => {
    expect(await run(() => cut)).toEqual({
      body: failed('UPSTREAM_UNAVAILABLE', 'The connection to the REST API was lost.'),
      tries: 3,
    });
  });

  it.each<[string, Script]>([
    ['nothing comes', () => () => undefined],
    [
      'the body does not end',
      () => (response) => {
        response.writeHead(200).write('{"data": [');
      },
    ],
  ])('is UPSTREAM_TIMEOUT where %s', async (_, script) => {
    expect(await run(script, hasty)).toEqual({ body: failed('UPSTREAM_TIMEOUT', messages.late), tries: 1 });
  });

  it('recovers where a later try is answered', async () => {
    expect(await run((_, index) => [cut, raw(502), { data: [] }][index] ?? raw(500))).toEqual({
      body: { data: { siteToSiteVpns: { totalCount: 0 } } },
      tries: 3,
    });
  });
});

describe('a read of one thing', () => {
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
  ])('is null without an error where %s answers 404, whatever its body', async (_, query) => {
    for (const script of [() => json(404, { errors }), () => raw(404, '<html>canary</html>'), () => raw(404)]) {
      graph.upstream.script(script);
      expect(await graph.ask(query, { environment, id: toId('vpn', 1) })).toEqual({ data: { it: null } });
    }
  });
});

describe('toFormattedError', () => {
  const hidden = 'Something went wrong in the gateway. With the request id its operators can find out what.';
  it.each([
    ['an error of any library', new TypeError('canary')],
    ['an error of GraphQL without a code', new GraphQLError('canary')],
    ['a code that is nobody’s', new GraphQLError('canary', { extensions: { code: 'CANARY', key: 'canary' } })],
    ['something that is no error', 'canary'],
    ['an error inside GraphQL’s', new GraphQLError('canary', { originalError: new Error('canary') })],
  ])('tells nothing of %s', (_, error) => {
    const formatted = {
      message: 'canary',
      path: ['a'],
      locations: [{ line: 1, column: 1 }],
      extensions: { stack: 'canary' },
    };
    expect(toFormattedError(formatted, error)).toEqual({
      message: hidden,
      path: ['a'],
      locations: [{ line: 1, column: 1 }],
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
  });
});
