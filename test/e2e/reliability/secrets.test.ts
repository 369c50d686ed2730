// Secrets: no API key and no pre-shared key in an answer that it does not belong to, in a log at any level, a metric or an error.
import { afterEach, describe, expect, it } from '@jest/globals';
import { launchGateway } from '../../helpers/process.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { until } from '../../helpers/until.js';
import { ask, post } from '../../helpers/wire.js';
import { byEventStream, byWebSocket, openSocket } from '../../server/subscriptions/subscribers.js';
import { taskId, vpcId, wireVpn } from '../../server/subscriptions/changing-rest-api.js';
import {
  apiKey,
  expectNoKey,
  expectNoLeak,
  expectWellFormed,
  keyHeaders,
  preSharedKey,
  startRig,
  toErrors,
  upstreamHost,
} from './harness.js';

const rig = await startRig();
const { url, upstream } = rig;

afterEach(() => rig.settle());

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const scope = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const good = {
  environment,
  name: 'stargate',
  vpcId,
  gateway: '203.0.113.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: preSharedKey,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'AES256',
  espHashAlgorithm: 'SHA1',
  espLifetime: 3600,
};
const create = `mutation($input: CreateSiteToSiteVpnInput!) { createSiteToSiteVpn(input: $input) {
  task { id status result errors { code message } siteToSiteVpn { name } } userErrors { code field message upstreamCode }
} }`;
const list = `{ siteToSiteVpns(${scope}) { nodes { id name state gateway cidr ikeHashAlgorithm unknownValues { field value } } } }`;

/** An input as a literal of GraphQL's. */
function toLiteral(value: unknown, enums = false): string {
  if (typeof value === 'string') return enums && /^[A-Z]+\d*$/.test(value) ? value : JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, field]) => `${name}: ${toLiteral(field, name.endsWith('Algorithm'))}`)
    .join(', ')} }`;
}

describe('An input that is wrong', () => {
  const without = (name: keyof typeof good) =>
    Object.fromEntries(Object.entries(good).filter(([each]) => each !== name));
  const wrong: readonly (readonly [string, object])[] = [
    ['lacks a sibling', without('name')],
    ['lacks its environment', without('environment')],
    ['has a sibling too many', { ...good, [preSharedKey]: apiKey }],
    ['has a sibling of the wrong type', { ...good, ikeLifetime: apiKey, espLifetime: preSharedKey }],
    ['has the key where an enum should be', { ...good, ikeHashAlgorithm: preSharedKey, espHashAlgorithm: apiKey }],
    ['has the key in a list', { ...good, ipSecPsk: [preSharedKey] }],
    ['has the key in an object', { ...good, ipSecPsk: { [apiKey]: preSharedKey } }],
    ['has the key where the id is', { ...good, vpcId: preSharedKey, gateway: apiKey, cidr: preSharedKey }],
    [
      'has the key in the environment',
      { ...good, environment: { serviceCode: 'a', name: 'b', organizationId: { [apiKey]: 1 } } },
    ],
    ['has two lines in the key', { ...good, ipSecPsk: `${preSharedKey}\n${apiKey}` }],
    ['has a key that is too short', { ...good, ipSecPsk: 'short' }],
    ['waits for the key', { ...good, waitSeconds: preSharedKey }],
  ];

  it.each(wrong)('that %s repeats nothing, as a variable or a literal', async (_what, input) => {
    const literal = `mutation { createSiteToSiteVpn(input: ${toLiteral(input)}) { task { id } userErrors { message } } }`;
    for (const body of [
      { query: create, variables: { input } },
      { query: literal },
      { query: create, variables: input },
    ]) {
      const answer = await rig.ask(body);

      expectWellFormed(answer);
    }
    expect(upstream.calls).toEqual([]);
  });

  it('in a document that is none repeats nothing', async () => {
    const documents = [
      `mutation { createSiteToSiteVpn(input: { ipSecPsk: "${preSharedKey} }) }`,
      `mutation { createSiteToSiteVpn(input: { ipSecPsk: ${preSharedKey.replaceAll('-', '_')} }) { task { id } } }`,
      `mutation { createSiteToSiteVpn(input: { ipSecPsk: """${preSharedKey}`,
      `{ __typename } "${apiKey}"`,
      `{ __typename } # ${apiKey}\n\0`,
      `query($a: String = "${preSharedKey}") { __typename(a: $a) }`,
      `{ __typename @include(if: "${apiKey}") }`,
      `{ task(id: { a: "${preSharedKey}" }) { id } }`,
      `{ task(id: ["${preSharedKey}"]) { id } }`,
      `{ siteToSiteVpns(${scope}, first: "${preSharedKey}") { totalCount } }`,
      `{ siteToSiteVpns(${scope}, after: "${preSharedKey}") { totalCount } }`,
    ];
    for (const query of documents) {
      const answer = await rig.ask({ query });
      expectWellFormed(answer);
      expect(toErrors(answer.json)).not.toHaveLength(0);
    }
  });

  it('in JSON that is broken at any place of the key repeats nothing', async () => {
    const whole = JSON.stringify({ query: create, variables: { input: { ...good, note: apiKey } } });
    const [start, end] = [whole.indexOf(preSharedKey), whole.indexOf(apiKey) + apiKey.length];
    for (let place = start; place < end; place += 5) {
      for (const broken of [whole.slice(0, place), `${whole.slice(0, place)}"${whole.slice(place)}`]) {
        expect(await rig.ask(broken)).toMatchObject({ status: 400 });
      }
    }
  });

  it('in an address repeats nothing, and is not logged', async () => {
    const search = new URLSearchParams({
      query: create,
      variables: JSON.stringify({ input: good }),
      'MC-Api-Key': apiKey,
      operationName: preSharedKey,
    }).toString();
    for (const address of [
      `${url}?${search}`,
      `${url}/stream?${search}`,
      `${url}/${apiKey}?${search}`,
      `${url}?%zz${search}`,
    ]) {
      for (const headers of [{}, keyHeaders, { ...keyHeaders, accept: 'text/event-stream' }]) {
        const answer = rig.keep(await ask(address, { headers }));
        expectWellFormed(answer);
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
    }
  });

  it('in connection_init, or a message, repeats nothing', async () => {
    const payloads = [
      { 'MC-Api-Key': `${apiKey}\n` + preSharedKey },
      { 'MC-Api-Key': { [apiKey]: preSharedKey } },
      { 'MC-Api-Key': [apiKey] },
      { Authorization: apiKey, psk: preSharedKey },
      apiKey,
    ];
    for (const payload of payloads) {
      const bare = await openSocket(url);
      bare.send({ type: 'connection_init', payload });
      await bare.closes();
      rig.keep(JSON.stringify([bare.messages, bare.closed]));
    }
    const broken = [
      `{"type":"${apiKey}"}`,
      `{"type":"subscribe","id":"${apiKey}","payload":"${preSharedKey}"`,
      JSON.stringify({ type: 'subscribe', id: '1', payload: { query: `subscription { ${preSharedKey}` } }),
      JSON.stringify({ type: 'subscribe', id: '1', payload: { query: create, variables: { input: good } } }),
      JSON.stringify({
        type: 'subscribe',
        id: '1',
        payload: {
          query: 'subscription($id: ID!) { taskUpdated(id: $id) { id } }',
          variables: { id: { [apiKey]: preSharedKey } },
        },
      }),
    ];
    for (const text of broken) {
      const bare = await openSocket(url);
      bare.send({ type: 'connection_init', payload: { 'MC-Api-Key': apiKey } });
      await bare.has(1);
      bare.socket.send(text);
      await until(() => bare.closed !== undefined || bare.messages.length > 1);
      rig.keep(JSON.stringify([bare.messages, bare.closed]));
      bare.socket.close();
    }
  });
});

describe('A REST API that repeats what it was sent', () => {
  const echo = `Bad request of ${apiKey} with ${preSharedKey} at http://localhost/`;
  const errors = [{ code: apiKey, message: echo }, { errorCode: preSharedKey, message: echo }, echo];
  const result = {
    note: echo,
    [apiKey]: 'as a name',
    list: [{ deep: echo }],
    ipSecPsk: preSharedKey,
    IPSECPSK: [preSharedKey],
  };
  const answers: readonly (readonly [string, Buffer])[] = [
    ...[200, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504].map(
      (status) => [`in errors with ${status}`, toBytes(status, { errors, [apiKey]: echo })] as const,
    ),
    ['in errors that are an object', toBytes(400, { errors: { code: 1, message: echo } })],
    ['in what is no JSON', toBytes(400, `<html>${echo}</html>`, { 'content-type': 'text/html' })],
    ['in half of a JSON', toBytes(200, `{"data": "${echo}`)],
    ['in data of the wrong type', toBytes(200, { data: echo })],
    ['in a list of the wrong type', toBytes(200, { data: [echo, { [apiKey]: preSharedKey }] })],
    ['in fields of the wrong type', toBytes(200, { data: [wireVpn({ name: { [apiKey]: preSharedKey }, dpd: echo })] })],
    ['in optional fields of the wrong type', toBytes(200, { data: [wireVpn({ dpd: echo, ikeLifetime: apiKey })] })],
    [
      'in values that are not documented',
      toBytes(200, {
        data: [wireVpn({ state: apiKey, ikeHashAlgorithm: preSharedKey, ikeDhGroup: echo, ipSecPsk: preSharedKey })],
      }),
    ],
    ['in a task', toBytes(200, { taskId, taskStatus: 'SUCCESS', result })],
    ['in a task that failed', toBytes(200, { taskId, taskStatus: 'FAILED', errors })],
    ["in a task's status", toBytes(200, { taskId, taskStatus: apiKey, created: preSharedKey })],
    ['in the id of a task', toBytes(200, { taskId: `${apiKey}/${preSharedKey}`, taskStatus: [apiKey] })],
    ['in a redirect', toBytes(307, '', { location: `http://${apiKey}.example/${preSharedKey}` })],
    [
      'in headers',
      toBytes(400, { errors }, { 'x-echo': echo, 'retry-after': apiKey, 'content-type': `text/${apiKey}` }),
    ],
    ['in a header that is none', Buffer.from(`HTTP/1.1 200 OK\r\n${echo}\r\n\r\n`)],
    ['in the status line', Buffer.from(`HTTP/1.1 400 ${apiKey}\r\ncontent-length: 0\r\n\r\n`)],
    ['in what is no HTTP', Buffer.from(`${echo}\r\n\r\n`)],
    ['in a body that is no gzip', toBytes(200, echo, { 'content-encoding': 'gzip' })],
    ['in a chunk that is none', Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${echo}\r\n`)],
  ];

  // The pre-shared key itself stands beside it.
  const knows = new Set(['in values that are not documented', 'in a task']);

  it.each(answers)('%s has it struck out', async (where, bytes) => {
    upstream.script(() => (socket) => socket.end(bytes));
    const task = '{ task(id: "cd7a2da8-6739-4bf6-9e71-518831525ea0") { id status result errors { code message } } }';
    for (const query of [list, task, '{ environments { id name } }', `{ vpcs(${scope}) { nodes { name } } }`]) {
      // No read knows which pre-shared keys others have sent; it does those that it has read.
      const answer = await rig.ask({ query }, {}, !knows.has(where));
      expectWellFormed(answer);
    }
    for (const waitSeconds of [0, 1]) {
      const answer = await rig.ask({ query: create, variables: { input: { ...good, waitSeconds } } });
      expectWellFormed(answer);
    }
    // A write is sent once.
    expect(upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('has it struck out of what is followed, by WebSocket and Server-Sent Events', async () => {
    upstream.script(() => ({ taskId, taskStatus: 'SUCCESS', result }));
    const query = `subscription { taskUpdated(id: "${taskId}") { status result errors { message } } }`;
    for (const follow of [byWebSocket(url, apiKey), byEventStream(url, apiKey)]) {
      const following = follow(query);
      await following.ends();
      rig.keep(JSON.stringify([following.events, following.end]));
      expect(following.events).toHaveLength(1);
    }
  });

  it('may tell the pre-shared key where it was asked for', async () => {
    upstream.script(() => ({ data: [wireVpn({ ipSecPsk: preSharedKey })] }));
    const answer = await rig.ask({ query: `{ siteToSiteVpns(${scope}) { nodes { ipSecPsk } } }` }, {}, true);

    expect(answer.json).toEqual({ data: { siteToSiteVpns: { nodes: [{ ipSecPsk: preSharedKey }] } } });
  });
});

describe('A REST API that cannot be reached', () => {
  it.each([
    ['nobody listens', `http://${upstreamHost}:9/v1`],
    ['its name is none', 'http://canary-host.invalid/v1'],
  ])('is not named where %s', async (_why, address) => {
    upstream.script(() => ({ data: [] }));
    const gateway = await launchGateway({
      CLOUDCA_API_URL: address,
      LOG_LEVEL: 'trace',
      CLOUDCA_API_TIMEOUT_MS: '2000',
    });
    for (const body of [{ query: list }, { query: create, variables: { input: good } }]) {
      const answer = rig.keep(await post(gateway.url, body, keyHeaders));
      expect(answer.json).toMatchObject({
        errors: [{ extensions: { code: expect.stringMatching(/^UPSTREAM_(UNAVAILABLE|TIMEOUT)$/) } }],
      });
      expect(answer.text).not.toContain('canary-host');
    }
    expectNoKey(gateway.stdout() + gateway.stderr());
  });
});

describe('An API key', () => {
  it('of any byte reaches the REST API as it is, or nothing does', async () => {
    for (let byte = 0; byte < 256; byte++) {
      upstream.script(() => toBytes(400, { errors: [{ code: 1, message: 'No.' }] }));
      const key = `${apiKey}${String.fromCharCode(byte)}end`;
      const head = ['POST /graphql HTTP/1.1', 'host: a', 'connection: close', 'content-type: application/json'];
      const body = JSON.stringify({ query: '{ environments { id } }' });
      const answers = await rig.send([...head, `mc-api-key: ${key}`, `content-length: ${body.length}`, '', body]);

      const isText = byte === 9 || (byte >= 32 && byte !== 127);
      expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual(isText ? [key] : []);
      // A line feed ends the header, what follows is another; a carriage return alone ends nothing.
      if (!isText) expect([200, 400]).toContain(answers[0]?.status);
      for (const answer of answers) expectWellFormed(answer);
    }
  });

  it.each([
    ['quotes', `"'${apiKey}'"\`\\"`],
    ['what regular expressions have', `^(${apiKey})+.*[\\d]$|?{2}`],
    ['what replacements have', `$&$1$\`$'${apiKey}$$`],
    ['braces and markup', `{${apiKey}}<b>%s%o`],
    ['commas', `${apiKey},${apiKey}`],
    ['8,000 characters', apiKey.repeat(400)],
  ])('with %s is struck out all the same', async (_what, key) => {
    upstream.script(({ headers }) =>
      toBytes(400, { errors: [{ code: 1, message: `No: ${headers.get('mc-api-key') ?? ''}.` }] }),
    );
    const answer = await rig.ask({ query: '{ environments { id } }' }, { 'mc-api-key': key });

    expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual([key]);
    expect(answer.json).toMatchObject({
      errors: [{ extensions: { upstream: { errors: [{ message: 'No: [secret].' }] } } }],
    });
  });

  it('that stands in the request id as well is no request id', async () => {
    upstream.script(() => ({ data: [] }));
    for (const id of [apiKey, `a-${apiKey}:b`]) {
      const answer = await rig.ask({ query: '{ environments { id } }' }, { 'x-request-id': id });
      expect(answer).toMatchObject({ status: 200, json: { data: { environments: [] } } });
    }
  });

  it('with blanks around it is sent without them, and blanks alone are none', async () => {
    upstream.script(() => ({ data: [] }));
    const body = JSON.stringify({ query: '{ environments { id } }' });
    for (const key of [`  ${apiKey}\t `, ' \t ', '']) {
      const head = ['POST /graphql HTTP/1.1', 'host: a', 'connection: close', 'content-type: application/json'];
      const [answer] = await rig.send([...head, `mc-api-key:${key}`, `content-length: ${body.length}`, '', body]);
      if (key.trim() === '')
        expect(answer?.json).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      else expect(answer?.json).toEqual({ data: { environments: [] } });
    }
    expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual([apiKey]);
  });
});

describe('The rig itself', () => {
  it('finds what it looks for', () => {
    const leaks = [
      apiKey,
      preSharedKey,
      upstreamHost,
      Buffer.from(apiKey).toString('base64'),
      '    at Object.<anonymous> (/tmp/x.js:1:2)',
      'connect ECONNREFUSED',
      'Unexpected token',
      '"/usr/lib/x"',
    ];
    for (const leak of leaks) {
      expect(() => {
        expectNoLeak(`{"errors":[{"message":"${leak}"}]}`);
      }).toThrow();
    }
  });
});
