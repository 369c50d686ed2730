// Mutation.createSiteToSiteVpn: input validation, the body of the REST call, and the payload.
import { describe, expect, it } from '@jest/globals';
import { json } from '../helpers/upstream.js';
import { environment, environmentPath, numberedId, numberedVpn } from '../helpers/fixtures.js';
import { at, failure, startOnSandbox, startOnUpstream, textAt } from './graph-client.js';

let now = Date.parse('2026-11-23T18:30:00.000Z');
// Each reading of the clock is a second later, so that a task of the sandbox ends after a few polls, however fast they are.
const sandbox = await startOnSandbox({ clock: () => (now += 1_000) });
const scripted = await startOnUpstream();

const psk = 'Kz81mPq04LtYvB';
const minimalInput = {
  environment,
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: psk,
  ikeEncryptionAlgorithm: 'AES256',
  ikeHashAlgorithm: 'SHA1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'TRIPLE_DES',
  espHashAlgorithm: 'MD5',
  espLifetime: 3600,
};
const minimalBody = {
  name: 'abydos',
  vpcId: '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7',
  gateway: '203.0.113.50',
  cidr: '10.12.0.2/22',
  ipSecPsk: psk,
  ikeEncryptionAlgorithm: 'aes256',
  ikeHashAlgorithm: 'sha1',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: '3des',
  espHashAlgorithm: 'md5',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
};
const create = (fields = 'siteToSiteVpn { id name state } task { id status result errors { code message } }') =>
  `mutation ($input: CreateSiteToSiteVpnInput!) {
    createSiteToSiteVpn(input: $input) { ${fields} alreadyExists userErrors { field message code upstreamCode } }
  }`;
const payload = (fields: object = {}) => ({
  data: { createSiteToSiteVpn: { siteToSiteVpn: null, task: null, alreadyExists: false, userErrors: [], ...fields } },
});
const taskId = numberedId('task', 1);
const pending = { id: taskId, status: 'PENDING', result: null, errors: [] };

const takenMessages = {
  name: 'Another site-to-site VPN of the environment has this name. Choose another name.',
  gateway:
    'Another site-to-site VPN of the environment uses this gateway. Use another gateway, or delete the other VPN.',
} as const;
const taken = (field: keyof typeof takenMessages, upstreamCode: string | null = '2013') => ({
  field: ['input', field],
  code: 'TAKEN',
  message: takenMessages[field],
  upstreamCode,
});
const noVpc = {
  field: ['input', 'vpcId'],
  code: 'NOT_FOUND',
  message: 'The environment has no VPC with this id.',
  upstreamCode: null,
};

describe('Mutation.createSiteToSiteVpn', () => {
  it('returns the task at once if waitSeconds is 0', async () => {
    const body = await sandbox.execute(create(), { input: minimalInput });
    const id = textAt(body, 'data', 'createSiteToSiteVpn', 'task', 'id');
    expect(body).toEqual(payload({ task: { id, status: 'PENDING', result: null, errors: [] } }));
    expect(sandbox.calls()).toEqual([`POST ${environmentPath}/sitetositevpns`]);
  });

  it('redacts secrets in the errors of a failed task', async () => {
    const errors = [{ code: 2012, message: `The key ${psk} is rejected.` }];
    scripted.upstream.script(({ method }) =>
      method === 'POST' ? { taskId, taskStatus: 'PENDING' } : json(400, { errors }),
    );
    expect(await scripted.execute(create(), { input: { ...minimalInput, waitSeconds: 60 } })).toEqual(
      payload({
        task: {
          id: taskId,
          status: 'FAILED',
          result: null,
          errors: [{ code: '2012', message: 'The key [secret] is rejected.' }],
        },
      }),
    );
  });

  it('recognizes a task in data by its status', async () => {
    scripted.upstream.script(() => ({ data: { id: taskId, status: 'PENDING', created: '2015-07-07' } }));
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(payload({ task: pending }));
  });

  it('waits for the task if waitSeconds is set, and returns the new VPN as it is after the wait', async () => {
    const input = { ...minimalInput, name: 'chulak', gateway: '203.0.113.51', waitSeconds: 60 };
    const query = create(
      'siteToSiteVpn { id name state ipSecPsk vpc { name } } task { status siteToSiteVpn { name } }',
    );
    const body = await sandbox.execute(query, { input });
    const id = textAt(body, 'data', 'createSiteToSiteVpn', 'siteToSiteVpn', 'id');
    expect(body).toEqual({
      data: {
        createSiteToSiteVpn: {
          siteToSiteVpn: { id, name: 'chulak', state: expect.any(String), ipSecPsk: psk, vpc: { name: 'gate-room' } },
          task: { status: 'SUCCESS', siteToSiteVpn: { name: 'chulak' } },
          alreadyExists: false,
          userErrors: [],
        },
      },
    });
    const [posted, ...others] = sandbox.calls();
    expect(posted).toBe(`POST ${environmentPath}/sitetositevpns`);
    const reads = others.filter((call) => !call.startsWith('GET /tasks/'));
    expect(reads).toEqual([
      `GET ${environmentPath}/sitetositevpns/${id}`,
      `GET ${environmentPath}/vpcs/${minimalInput.vpcId}`,
    ]);
  });

  it('returns the errors of a task that fails during the wait', async () => {
    const input = { ...minimalInput, name: 'nowhere', gateway: '240.0.0.1', waitSeconds: 60 };
    const body = await sandbox.execute(create(), { input });
    expect(body).toEqual(
      payload({
        task: {
          id: expect.any(String),
          status: 'FAILED',
          result: null,
          errors: [{ code: '2020', message: 'The gateway 240.0.0.1 cannot be reached.' }],
        },
      }),
    );
  });

  it('returns every conflict with the environment at its field, with the code of the REST API', async () => {
    const input = { ...minimalInput, name: 'stargate', gateway: '19.19.19.19', vpcId: numberedId('vpc', 1) };
    expect(await sandbox.execute(create(), { input })).toEqual(
      payload({ userErrors: [taken('name'), taken('gateway'), { ...noVpc, upstreamCode: '2012' }] }),
    );
    expect(sandbox.calls()).toEqual([
      `POST ${environmentPath}/sitetositevpns`,
      `GET ${environmentPath}/sitetositevpns`,
      `GET ${environmentPath}/vpcs`,
    ]);
  });

  it('returns a NOT_FOUND user error without a field if the environment does not exist', async () => {
    const input = { ...minimalInput, environment: { serviceCode: 'compute-on', name: 'nowhere' } };
    expect(await sandbox.execute(create(), { input })).toEqual(
      payload({
        userErrors: [
          {
            field: null,
            code: 'NOT_FOUND',
            message:
              'The REST API has no environment nowhere in the service compute-on. Check both, and the organizationId.',
            upstreamCode: '3001',
          },
        ],
      }),
    );
  });
});

describe('CreateSiteToSiteVpnInput', () => {
  const bodyOf = async (input: object): Promise<unknown> => {
    scripted.upstream.script(() => ({}));
    expect(await scripted.execute(create(), { input: { ...minimalInput, ...input } })).toEqual(payload());
    const [call] = scripted.upstream.calls;
    expect(call?.headers['content-type']).toBe('application/json');
    expect(scripted.upstream.calls).toHaveLength(1);
    return JSON.parse(call?.body ?? '');
  };

  it('is sent as documented; dpd and forceEncap are false by default', async () => {
    expect(await bodyOf({})).toStrictEqual(minimalBody);
    expect(scripted.calls()).toEqual([`POST ${environmentPath}/sitetositevpns`]);
  });

  it('is sent with every optional field; the organization is sent in the query only', async () => {
    const input = {
      environment: { ...environment, organizationId: 'o-1' },
      ikeDhGroup: 'MODP_1536',
      espPerfectForwardSecrecy: 'MODP_1024',
      dpd: true,
      forceEncap: true,
    };
    expect(await bodyOf(input)).toStrictEqual({
      ...minimalBody,
      ikeDhGroup: 'modp1536',
      espPerfectForwardSecrecy: 'modp1024',
      dpd: true,
      forceEncap: true,
    });
    expect(scripted.calls()).toEqual([`POST ${environmentPath}/sitetositevpns?org_id=o-1`]);
  });

  it.each([['NONE'], [null], [undefined]])('is sent without groups if they are %j', async (group) => {
    expect(await bodyOf({ ikeDhGroup: group, espPerfectForwardSecrecy: group })).toStrictEqual(minimalBody);
  });

  it.each([
    ['AES128', 'SHA1', 'aes128', 'sha1'],
    ['AES192', 'MD5', 'aes192', 'md5'],
    ['AES256', 'SHA1', 'aes256', 'sha1'],
    ['TRIPLE_DES', 'MD5', '3des', 'md5'],
  ])('sends %s and %s in the spelling of the REST API', async (encryption, hash, wireEncryption, wireHash) => {
    const input = {
      ikeEncryptionAlgorithm: encryption,
      ikeHashAlgorithm: hash,
      espEncryptionAlgorithm: encryption,
      espHashAlgorithm: hash,
    };
    expect(await bodyOf(input)).toStrictEqual({
      ...minimalBody,
      ikeEncryptionAlgorithm: wireEncryption,
      ikeHashAlgorithm: wireHash,
      espEncryptionAlgorithm: wireEncryption,
      espHashAlgorithm: wireHash,
    });
  });

  it.each([
    ['name', 'x'],
    ['name', 'spaced, ünïcödé \u{1f310} <&"\'>'],
    ['name', '\u{1f469}\u200d\u{1f680}'],
    ['vpcId', '00000000-0000-0000-0000-000000000000'],
    ['vpcId', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
    ['vpcId', '12345678-1234-7234-1234-123456789abc'],
    ['gateway', '0.0.0.0'],
    ['gateway', '2001:db8::1'],
    ['gateway', '::ffff:192.0.2.1'],
    ['cidr', '10.12.0.2/0'],
    ['cidr', '10.12.0.2/32'],
    ['cidr', '2001:db8::1/128'],
    ['cidr', '10.0.0.0/8,10.1.2.3/16,2001:db8::/32'],
    ['ipSecPsk', 'abcdefghi0'],
    ['ipSecPsk', '0123456789'],
    ['ipSecPsk', " !a-b_c d'e\\f/g{h}i€j "],
    ['ikeLifetime', 1],
    ['espLifetime', 2147483647],
  ])('accepts %s %j, and sends it unchanged', async (field, value) => {
    expect(await bodyOf({ [field]: value })).toStrictEqual({ ...minimalBody, [field]: value });
  });

  it('sends the name without surrounding blanks', async () => {
    expect(await bodyOf({ name: ' \u00a0abydos gate\u3000' })).toStrictEqual({ ...minimalBody, name: 'abydos gate' });
  });

  it('sends a list of CIDRs without the spaces around commas', async () => {
    expect(await bodyOf({ cidr: ' 10.0.0.0/8 ,\t10.1.0.0/16 ' })).toStrictEqual({
      ...minimalBody,
      cidr: '10.0.0.0/8,10.1.0.0/16',
    });
  });

  const messages = {
    name: 'The name must not be blank, and must be on one line.',
    vpcId: 'The vpcId must be a UUID.',
    gateway: 'The gateway must be an IPv4 or IPv6 address, e.g. 203.0.113.7. Host names are not allowed.',
    cidr: 'The cidr must be a CIDR block, e.g. 10.12.0.0/22, or several, separated by commas.',
    ipSecPsk:
      'The pre-shared key must hold at least 10 letters or digits, on one line and without double quotes. ' +
      'CloudStack, which the REST API is built on, allows neither line breaks nor double quotes.',
    ikeLifetime: 'ikeLifetime must be a whole number of seconds of at least 1.',
    espLifetime: 'espLifetime must be a whole number of seconds of at least 1.',
    waitSeconds: 'waitSeconds must be a whole number of seconds from 0 to 60.',
  } as const;
  const invalid = (field: keyof typeof messages) => ({
    field: ['input', field],
    code: 'INVALID',
    message: messages[field],
    upstreamCode: null,
  });

  it.each([
    [
      'name',
      [
        '',
        ' ',
        '\t',
        '\u00a0',
        '\u200b',
        ' \u200d\ufeff\u2060 ',
        '\u00ad\u3164\u2800',
        'two\nlines',
        'a\u0000',
        'a\u2028b',
        '\ud800',
      ],
    ],
    ['vpcId', ['', 'x', '3fe7d82af4c44552ac3b787fdafed4e7', '{3fe7d82a-f4c4-4552-ac3b-787fdafed4e7}', '\ud800']],
    [
      'gateway',
      ['', 'vpn.example.com', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4/32', ' 1.2.3.4', 'fe80::1%eth0', ':::'],
    ],
    [
      'cidr',
      [
        '',
        ',',
        '10.0.0.0',
        '10.0.0.0/',
        '10.0.0.0/33',
        '10.0.0.0/-1',
        '10.0.0.0/08',
        '10.0.0.0/8/8',
        '::/129',
        '10.0.0.0/8,',
        '10.0.0.0/8;11.0.0.0/8',
        '10.0.0.0/8,x/8',
        'fe80::%eth0/64',
        '10.0.0.0 /8',
        '1 0.0.0.0/8',
      ],
    ],
    [
      'ipSecPsk',
      [
        '',
        'abcdefghi',
        '012345678',
        'a!b!c!d!e!f!g!h!i!',
        'äöüäöüäöüäöü',
        'abcdefghij"',
        'abcdefghij\n',
        'abcde\nfghij',
        'abcdefghij\u0085',
        'abcdefghij\ud800',
      ],
    ],
    ['ikeLifetime', [0, -1, -2147483648]],
    ['espLifetime', [0, -1]],
    ['waitSeconds', [-1, 61, 2147483647]],
  ] as const)(
    'rejects an invalid %s at its path, without a REST call, and does not repeat the value',
    async (field, values) => {
      for (const value of values) {
        const body = await scripted.execute(create(), { input: { ...minimalInput, [field]: value } });
        expect({ value, body }).toEqual({ value, body: payload({ userErrors: [invalid(field)] }) });
      }
      expect(scripted.calls()).toEqual([]);
    },
  );

  it('is rejected with all violations at once', async () => {
    const input = {
      ...minimalInput,
      environment: { serviceCode: '', name: 'a/b', organizationId: '..' },
      name: ' ',
      vpcId: 'x',
      gateway: 'vpn.example.com',
      cidr: '10.0.0.0',
      ipSecPsk: 'canary123',
      ikeLifetime: 0,
      espLifetime: -1,
      waitSeconds: 61,
    };
    const body = await scripted.execute(create(), { input });
    const userErrors = at(body, 'data', 'createSiteToSiteVpn', 'userErrors');
    const atEnvironment = (name: string) => expect.objectContaining({ field: ['input', 'environment', name] });
    const names = [
      'name',
      'vpcId',
      'gateway',
      'cidr',
      'ipSecPsk',
      'ikeLifetime',
      'espLifetime',
      'waitSeconds',
    ] as const;
    expect(body).toEqual(payload({ userErrors }));
    expect(userErrors).toHaveLength(11);
    expect(userErrors).toEqual(
      expect.arrayContaining([...names.map(invalid), ...['serviceCode', 'name', 'organizationId'].map(atEnvironment)]),
    );
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(scripted.calls()).toEqual([]);
  });

  it.each([0, 60])('accepts waitSeconds %i', async (waitSeconds) => {
    expect(await bodyOf({ waitSeconds })).toStrictEqual(minimalBody);
  });
});

describe('CreateSiteToSiteVpnPayload.siteToSiteVpn', () => {
  it.each([
    ['an empty object', {}],
    ['a pending task', { taskId, taskStatus: 'PENDING' }],
  ])('is null if the REST API returns %s', async (_, wire) => {
    scripted.upstream.script(() => wire);
    const task = 'taskId' in wire ? pending : null;
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(payload({ task }));
    expect(scripted.calls()).toHaveLength(1);
  });

  it('is null, without an error, if the REST API returns no body', async () => {
    scripted.upstream.script(() => (response) => {
      response.writeHead(204).end();
    });
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(payload());
    expect(scripted.calls()).toHaveLength(1);
  });

  it('is taken from the data of the response if that is a VPN, without another REST call', async () => {
    scripted.upstream.script(() => ({ data: numberedVpn(1, 1) }));
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(
      payload({ siteToSiteVpn: { id: numberedId('vpn', 1), name: 'vpn-0001', state: 'CONNECTED' } }),
    );
    expect(scripted.calls()).toHaveLength(1);
  });

  it('is loaded if the data of the response has only its id', async () => {
    const id = numberedId('vpn', 1);
    scripted.upstream.script(({ method }) => ({ data: method === 'GET' ? numberedVpn(1, 1) : { id } }));
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(
      payload({ siteToSiteVpn: { id, name: 'vpn-0001', state: 'CONNECTED' } }),
    );
    expect(scripted.calls()).toEqual([
      `POST ${environmentPath}/sitetositevpns`,
      `GET ${environmentPath}/sitetositevpns/${id}`,
    ]);
  });

  it('is null while the task is pending, even if the response has data', async () => {
    scripted.upstream.script(() => ({ taskId, taskStatus: 'PENDING', data: numberedVpn(1, 1) }));
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(payload({ task: pending }));
    expect(scripted.calls()).toHaveLength(1);
  });

  it('is loaded by the id in the result of a task that has ended at once', async () => {
    scripted.upstream.script(({ method }) =>
      method === 'POST'
        ? { taskId, taskStatus: 'SUCCESS', result: { id: numberedId('vpn', 1), ipSecPsk: psk } }
        : { data: numberedVpn(1, 1) },
    );
    expect(await scripted.execute(create(), { input: minimalInput })).toEqual(
      payload({
        siteToSiteVpn: { id: numberedId('vpn', 1), name: 'vpn-0001', state: 'CONNECTED' },
        task: { ...pending, status: 'SUCCESS', result: { id: numberedId('vpn', 1) } },
      }),
    );
    expect(scripted.calls()).toHaveLength(2);
  });

  it('is loaded after the wait, not taken from the response to the write', async () => {
    scripted.upstream.script(({ method, url }) => {
      if (method === 'POST') return { taskId, taskStatus: 'PENDING', data: numberedVpn(1, 1, { state: 'Pending' }) };
      if (url.includes('/tasks/')) return { taskId, taskStatus: 'SUCCESS', result: { id: numberedId('vpn', 1) } };
      return { data: numberedVpn(1, 1) };
    });
    expect(
      await scripted.execute(create('siteToSiteVpn { state }'), { input: { ...minimalInput, waitSeconds: 10 } }),
    ).toEqual({
      data: { createSiteToSiteVpn: { siteToSiteVpn: { state: 'CONNECTED' }, alreadyExists: false, userErrors: [] } },
    });
    expect(scripted.calls()).toEqual([
      `POST ${environmentPath}/sitetositevpns`,
      `GET /tasks/${taskId}`,
      `GET ${environmentPath}/sitetositevpns/${numberedId('vpn', 1)}`,
    ]);
  });

  it.each([
    ['result of the task', { taskId, taskStatus: 'SUCCESS', result: numberedVpn(1, 1) }],
    ['response, if there is no task', { data: numberedVpn(1, 1) }],
  ])('is taken from the %s if the VPN does not exist yet', async (_, response) => {
    scripted.upstream.script(({ method }) =>
      method === 'POST' ? response : json(404, { errors: [{ errorCode: 'NOT_FOUND', message: 'Not yet.' }] }),
    );
    const query = create('siteToSiteVpn { name environment { name } } userErrors { code }');
    expect(await scripted.execute(query, { input: { ...minimalInput, waitSeconds: 1 } })).toEqual({
      data: {
        createSiteToSiteVpn: {
          siteToSiteVpn: { name: 'vpn-0001', environment: { name: environment.name } },
          alreadyExists: false,
          userErrors: [],
        },
      },
    });
  });

  it('is null, with NOT_FOUND, if the task has succeeded but the VPN does not exist', async () => {
    scripted.upstream.script(({ method }) =>
      method === 'POST'
        ? { taskId, taskStatus: 'SUCCESS', result: { id: numberedId('vpn', 1) } }
        : json(404, { errors: ['No.'] }),
    );
    expect(await scripted.execute(create('siteToSiteVpn { id } task { status }'), { input: minimalInput })).toEqual({
      data: {
        createSiteToSiteVpn: { siteToSiteVpn: null, task: { status: 'SUCCESS' }, alreadyExists: false, userErrors: [] },
      },
      errors: [
        failure(
          'NOT_FOUND',
          ['createSiteToSiteVpn', 'siteToSiteVpn'],
          'The REST API accepted the request, but has no site-to-site VPN with this id now.',
        ),
      ],
    });
  });
});
