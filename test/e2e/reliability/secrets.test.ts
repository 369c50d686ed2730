// API keys and pre-shared keys appear in no log at any level, in no metric and in no error. A response contains a pre-shared key only if
// the operation selects it.
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { keyHeader, taskId, vpcId, wireVpn } from '../../helpers/fixtures.js';
import { launchGateway } from '../../helpers/process.js';
import { toBytes } from '../../helpers/raw-upstream.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { sendRequest, post } from '../../helpers/http.js';
import { subscribeBySse, subscribeByWebSocket, openSocket } from '../../server/subscriptions/subscribers.js';
import { startCases } from './concurrent-cases.js';
import { resetFailureState } from './operations.js';
import {
  apiKey,
  expectNoKeys,
  expectNoLeak,
  expectWellFormed,
  heldClock,
  keyHeaders,
  preSharedKey,
  startRig,
  toErrors,
  upstreamHost,
} from './harness.js';

const rig = await startRig(heldClock);
const { url, upstream } = rig;

afterEach(() => rig.verify());

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const environmentArgument = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const validInput = {
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
const createMutation = `mutation($input: CreateSiteToSiteVpnInput!) { createSiteToSiteVpn(input: $input) {
  task { id status result errors { code message } siteToSiteVpn { name } } userErrors { code field message upstreamCode }
} }`;
const listQuery = `{ siteToSiteVpns(${environmentArgument}) { nodes { id name state gateway cidr ikeHashAlgorithm unknownValues { field value } } } }`;

/** Writes an input as a GraphQL literal. Writes strings in capitals as enum values if `isEnum`. */
function toLiteral(value: unknown, isEnum = false): string {
  if (typeof value === 'string') return isEnum && /^[A-Z]+\d*$/.test(value) ? value : JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, field]) => `${name}: ${toLiteral(field, name.endsWith('Algorithm'))}`)
    .join(', ')} }`;
}

describe('Invalid input', () => {
  const without = (name: keyof typeof validInput) =>
    Object.fromEntries(Object.entries(validInput).filter(([field]) => field !== name));
  const invalidInputs: readonly (readonly [string, object])[] = [
    ['lacks a sibling field', without('name')],
    ['lacks its environment', without('environment')],
    ['has an unknown field', { ...validInput, [preSharedKey]: apiKey }],
    ['has sibling fields of the wrong type', { ...validInput, ikeLifetime: apiKey, espLifetime: preSharedKey }],
    ['has the key as an enum value', { ...validInput, ikeHashAlgorithm: preSharedKey, espHashAlgorithm: apiKey }],
    ['has the key in a list', { ...validInput, ipSecPsk: [preSharedKey] }],
    ['has the key in an object', { ...validInput, ipSecPsk: { [apiKey]: preSharedKey } }],
    [
      'has the key as an id, a gateway and a cidr',
      { ...validInput, vpcId: preSharedKey, gateway: apiKey, cidr: preSharedKey },
    ],
    [
      'has the key in the environment',
      { ...validInput, environment: { serviceCode: 'a', name: 'b', organizationId: { [apiKey]: 1 } } },
    ],
    ['has a key of two lines', { ...validInput, ipSecPsk: `${preSharedKey}\n${apiKey}` }],
    ['has a key that is too short', { ...validInput, ipSecPsk: 'short' }],
    ['has the key as waitSeconds', { ...validInput, waitSeconds: preSharedKey }],
  ];

  it.each(invalidInputs)('is not echoed from a variable or a literal if it %s', async (_name, input) => {
    const literal = `mutation { createSiteToSiteVpn(input: ${toLiteral(input)}) { task { id } userErrors { message } } }`;
    for (const body of [
      { query: createMutation, variables: { input } },
      { query: literal },
      { query: createMutation, variables: input },
    ]) {
      const response = await rig.post(body);

      expectWellFormed(response);
    }
    expect(upstream.calls).toEqual([]);
  });

  it('is not echoed from an invalid document', async () => {
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
      `{ siteToSiteVpns(${environmentArgument}, first: "${preSharedKey}") { totalCount } }`,
      `{ siteToSiteVpns(${environmentArgument}, after: "${preSharedKey}") { totalCount } }`,
    ];
    for (const query of documents) {
      const response = await rig.post({ query });
      expectWellFormed(response);
      expect(toErrors(response.json)).not.toHaveLength(0);
    }
  });

  it('is not echoed from JSON that is broken at any position of a key', async () => {
    const json = JSON.stringify({ query: createMutation, variables: { input: { ...validInput, note: apiKey } } });
    const [start, end] = [json.indexOf(preSharedKey), json.indexOf(apiKey) + apiKey.length];
    for (let position = start; position < end; position += 5) {
      for (const broken of [json.slice(0, position), `${json.slice(0, position)}"${json.slice(position)}`]) {
        expect(await rig.post(broken)).toMatchObject({ status: 400 });
      }
    }
  });

  it('is neither echoed nor logged from a URL', async () => {
    const search = new URLSearchParams({
      query: createMutation,
      variables: JSON.stringify({ input: validInput }),
      'MC-Api-Key': apiKey,
      operationName: preSharedKey,
    }).toString();
    for (const requestUrl of [
      `${url}?${search}`,
      `${url}/stream?${search}`,
      `${url}/${apiKey}?${search}`,
      `${url}?%zz${search}`,
    ]) {
      for (const headers of [{}, keyHeaders, { ...keyHeaders, accept: 'text/event-stream' }]) {
        const response = rig.record(await sendRequest(requestUrl, { headers }));
        expectWellFormed(response);
        expect(response.status).toBeGreaterThanOrEqual(400);
      }
    }
  });

  it('is not echoed from connection_init or another WebSocket message', async () => {
    const payloads = [
      { 'MC-Api-Key': `${apiKey}\n` + preSharedKey },
      { 'MC-Api-Key': { [apiKey]: preSharedKey } },
      { 'MC-Api-Key': [apiKey] },
      { Authorization: apiKey, psk: preSharedKey },
      apiKey,
    ];
    for (const payload of payloads) {
      const webSocket = await openSocket(url);
      webSocket.send({ type: 'connection_init', payload });
      await webSocket.waitForClose();
      rig.record(JSON.stringify([webSocket.messages, webSocket.closed]));
    }
    const invalidMessages = [
      `{"type":"${apiKey}"}`,
      `{"type":"subscribe","id":"${apiKey}","payload":"${preSharedKey}"`,
      JSON.stringify({ type: 'subscribe', id: '1', payload: { query: `subscription { ${preSharedKey}` } }),
      JSON.stringify({
        type: 'subscribe',
        id: '1',
        payload: { query: createMutation, variables: { input: validInput } },
      }),
      JSON.stringify({
        type: 'subscribe',
        id: '1',
        payload: {
          query: 'subscription($id: ID!) { taskUpdated(id: $id) { id } }',
          variables: { id: { [apiKey]: preSharedKey } },
        },
      }),
    ];
    for (const text of invalidMessages) {
      const webSocket = await openSocket(url);
      webSocket.send({ type: 'connection_init', payload: { 'MC-Api-Key': apiKey } });
      await webSocket.waitForMessages(1);
      webSocket.webSocket.send(text);
      await waitUntil(() => webSocket.closed !== undefined || webSocket.messages.length > 1);
      rig.record(JSON.stringify([webSocket.messages, webSocket.closed]));
      webSocket.webSocket.close();
    }
  });
});

describe('REST API that echoes secrets', () => {
  const echo = `Bad request of ${apiKey} with ${preSharedKey} at http://localhost/`;
  const errors = [{ code: apiKey, message: echo }, { errorCode: preSharedKey, message: echo }, echo];
  const result = {
    note: echo,
    [apiKey]: 'as a name',
    list: [{ deep: echo }],
    ipSecPsk: preSharedKey,
    IPSECPSK: [preSharedKey],
  };
  const restResponses: readonly (readonly [string, Buffer])[] = [
    ...[200, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504].map(
      (status) => [`in errors with ${status}`, toBytes(status, { errors, [apiKey]: echo })] as const,
    ),
    ['in errors that are an object', toBytes(400, { errors: { code: 1, message: echo } })],
    ['in a body that is not JSON', toBytes(400, `<html>${echo}</html>`, { 'content-type': 'text/html' })],
    ['in truncated JSON', toBytes(200, `{"data": "${echo}`)],
    ['in data of the wrong type', toBytes(200, { data: echo })],
    ['in a list of the wrong type', toBytes(200, { data: [echo, { [apiKey]: preSharedKey }] })],
    ['in fields of the wrong type', toBytes(200, { data: [wireVpn({ name: { [apiKey]: preSharedKey }, dpd: echo })] })],
    ['in optional fields of the wrong type', toBytes(200, { data: [wireVpn({ dpd: echo, ikeLifetime: apiKey })] })],
    [
      'in undocumented values',
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
    ['in an invalid header', Buffer.from(`HTTP/1.1 200 OK\r\n${echo}\r\n\r\n`)],
    ['in the status line', Buffer.from(`HTTP/1.1 400 ${apiKey}\r\ncontent-length: 0\r\n\r\n`)],
    ['in bytes that are not HTTP', Buffer.from(`${echo}\r\n\r\n`)],
    ['in a body that is not gzip', toBytes(200, echo, { 'content-encoding': 'gzip' })],
    ['in an invalid chunk', Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${echo}\r\n`)],
  ];

  // More reads succeed than will fail, so the circuit stays closed.
  beforeAll(() => resetFailureState(rig));

  // These responses contain an `ipSecPsk` field, so the gateway knows the pre-shared key to redact.
  const redactsPreSharedKey = new Set(['in undocumented values', 'in a task']);

  it.each(restResponses)('has them redacted %s', async (name, bytes) => {
    upstream.script(() => (socket) => socket.end(bytes));
    const task = '{ task(id: "cd7a2da8-6739-4bf6-9e71-518831525ea0") { id status result errors { code message } } }';
    const queries = [
      listQuery,
      task,
      '{ environments { id name } }',
      `{ vpcs(${environmentArgument}) { nodes { name } } }`,
    ];
    const responses = await Promise.all([
      // A read redacts only the pre-shared keys of its own response. It does not know the ones that other requests sent.
      ...queries.map((query) => rig.post({ query }, {}, !redactsPreSharedKey.has(name))),
      ...[0, 1].map((waitSeconds) =>
        rig.post({ query: createMutation, variables: { input: { ...validInput, waitSeconds } } }),
      ),
    ]);
    for (const response of responses) expectWellFormed(response);
    // The gateway sends each of the two writes once.
    expect(upstream.calls.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('has them redacted in subscription events over WebSocket and Server-Sent Events', async () => {
    upstream.script(() => ({ taskId, taskStatus: 'SUCCESS', result }));
    const query = `subscription { taskUpdated(id: "${taskId}") { status result errors { message } } }`;
    for (const subscribe of [subscribeByWebSocket(url, apiKey), subscribeBySse(url, apiKey)]) {
      const subscription = subscribe(query);
      await subscription.waitForEnd();
      rig.record(JSON.stringify([subscription.events, subscription.end]));
      expect(subscription.events).toHaveLength(1);
    }
  });

  it('has the pre-shared key returned if the query selects it', async () => {
    upstream.script(() => ({ data: [wireVpn({ ipSecPsk: preSharedKey })] }));
    const response = await rig.post(
      { query: `{ siteToSiteVpns(${environmentArgument}) { nodes { ipSecPsk } } }` },
      {},
      true,
    );

    expect(response.json).toEqual({ data: { siteToSiteVpns: { nodes: [{ ipSecPsk: preSharedKey }] } } });
  });
});

describe('REST API that cannot be reached', () => {
  const restApis = [
    ['its port is closed', `http://${upstreamHost}:9/v1`],
    ['its host does not exist', 'http://canary-host.invalid/v1'],
  ] as const;
  const cases = startCases(restApis, async ([, restApiUrl]) => {
    const gateway = await launchGateway({
      CLOUDCA_API_URL: restApiUrl,
      LOG_LEVEL: 'trace',
      CLOUDCA_API_TIMEOUT_MS: '2000',
    });
    for (const body of [{ query: listQuery }, { query: createMutation, variables: { input: validInput } }]) {
      const response = rig.record(await post(gateway.url, body, keyHeaders));
      expect(response.json).toMatchObject({
        errors: [{ extensions: { code: expect.stringMatching(/^UPSTREAM_(UNAVAILABLE|TIMEOUT)$/) } }],
      });
      expect(response.text).not.toContain('canary-host');
    }
    expectNoKeys(gateway.stdout() + gateway.stderr());
  });

  it.each(cases)('is not named in the error if $name', ({ outcome }) => outcome);
});

describe('API key', () => {
  it('reaches the REST API unchanged or not at all, for each byte', async () => {
    for (let byte = 0; byte < 256; byte++) {
      upstream.script(() => toBytes(400, { errors: [{ code: 1, message: 'No.' }] }));
      const key = `${apiKey}${String.fromCharCode(byte)}end`;
      const head = ['POST /graphql HTTP/1.1', 'host: a', 'connection: close', 'content-type: application/json'];
      const body = JSON.stringify({ query: '{ environments { id } }' });
      const responses = await rig.send([...head, `mc-api-key: ${key}`, `content-length: ${body.length}`, '', body]);

      const isValid = byte === 9 || (byte >= 32 && byte !== 127);
      expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual(isValid ? [key] : []);
      // A line feed ends the header line, and the rest is read as another header. A lone carriage return ends nothing.
      if (!isValid) expect([200, 400]).toContain(responses[0]?.status);
      for (const response of responses) expectWellFormed(response);
    }
  });

  it.each([
    ['quotes', `"'${apiKey}'"\`\\"`],
    ['characters of regular expressions', `^(${apiKey})+.*[\\d]$|?{2}`],
    ['replacement patterns', `$&$1$\`$'${apiKey}$$`],
    ['braces and markup', `{${apiKey}}<b>%s%o`],
    ['commas', `${apiKey},${apiKey}`],
    ['256 characters', apiKey.repeat(20).slice(0, 256)],
  ])('is redacted if it has %s', async (_name, key) => {
    upstream.script(({ headers }) =>
      toBytes(400, { errors: [{ code: 1, message: `No: ${headers.get('mc-api-key') ?? ''}.` }] }),
    );
    const response = await rig.post({ query: '{ environments { id } }' }, keyHeader(key));

    expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual([key]);
    expect(response.json).toMatchObject({
      errors: [{ extensions: { upstream: { errors: [{ message: 'No: [secret].' }] } } }],
    });
  });

  it('is not accepted as part of the request id', async () => {
    upstream.script(() => ({ data: [] }));
    for (const id of [apiKey, `a-${apiKey}:b`]) {
      const response = await rig.post({ query: '{ environments { id } }' }, { 'x-request-id': id });
      expect(response).toMatchObject({ status: 200, json: { data: { environments: [] } } });
    }
  });

  it('is sent without surrounding blanks, and is missing if it has only blanks', async () => {
    upstream.script(() => ({ data: [] }));
    const body = JSON.stringify({ query: '{ environments { id } }' });
    for (const key of [`  ${apiKey}\t `, ' \t ', '']) {
      const head = ['POST /graphql HTTP/1.1', 'host: a', 'connection: close', 'content-type: application/json'];
      const [response] = await rig.send([...head, `mc-api-key:${key}`, `content-length: ${body.length}`, '', body]);
      if (key.trim() === '')
        expect(response?.json).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
      else expect(response?.json).toEqual({ data: { environments: [] } });
    }
    expect(upstream.calls.map(({ headers }) => headers.get('mc-api-key'))).toEqual([apiKey]);
  });
});

describe('expectNoLeak', () => {
  it('finds each kind of leak', () => {
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
