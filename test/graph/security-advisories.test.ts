// SiteToSiteVpn.securityAdvisories: the whole table, value by value, in both phases.
import { describe, expect, it } from '@jest/globals';
import { environment, listAt, startOnUpstream, textAt, toId, wireVpn } from './graph-client.js';

const graph = await startOnUpstream();

const fields = [
  'ikeEncryptionAlgorithm',
  'ikeHashAlgorithm',
  'ikeDhGroup',
  'espEncryptionAlgorithm',
  'espHashAlgorithm',
  'espPerfectForwardSecrecy',
] as const;
// What nothing is said against.
const sound = {
  ikeEncryptionAlgorithm: 'aes256',
  ikeHashAlgorithm: null,
  ikeDhGroup: null,
  espEncryptionAlgorithm: 'aes256',
  espHashAlgorithm: null,
  espPerfectForwardSecrecy: null,
};

async function advisoriesOf(wire: object): Promise<unknown[]> {
  graph.upstream.script(() => ({ data: wireVpn(1, 1, { ...sound, ...wire }) }));
  const query = `query ($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpn(environment: $environment, id: $id) { securityAdvisories { field severity message reference } }
  }`;
  const body = await graph.ask(query, { environment, id: toId('vpn', 1) });
  return listAt(body, 'data', 'siteToSiteVpn', 'securityAdvisories');
}

const meanings = {
  CRITICAL: 'It is broken: replace it.',
  WARNING: 'It is too weak today: replace it where both ends can.',
  NOTICE: 'It is allowed today, and on its way out: prefer something stronger.',
};

describe('SiteToSiteVpn.securityAdvisories', () => {
  it.each([
    ['ikeEncryptionAlgorithm', '3des', 'NOTICE', 'RFC 8247', '3DES as MAY', '2.1'],
    ['ikeHashAlgorithm', 'sha1', 'NOTICE', 'RFC 8247', 'SHA-1 as MUST-', '2.3'],
    ['ikeHashAlgorithm', 'md5', 'CRITICAL', 'RFC 8247', 'MD5 as MUST NOT', '2.3'],
    ['ikeDhGroup', 'modp1024', 'WARNING', 'RFC 8247', 'the 1024-bit MODP group as SHOULD NOT', '2.4'],
    ['ikeDhGroup', 'modp1536', 'WARNING', 'RFC 8247', 'the 1536-bit MODP group as SHOULD NOT', '2.4'],
    ['espEncryptionAlgorithm', '3des', 'WARNING', 'RFC 8221', '3DES as SHOULD NOT', '5'],
    ['espHashAlgorithm', 'sha1', 'NOTICE', 'RFC 8221', 'SHA-1 as MUST-', '6'],
    ['espHashAlgorithm', 'md5', 'CRITICAL', 'RFC 8221', 'MD5 as MUST NOT', '6'],
    ['espPerfectForwardSecrecy', 'modp1024', 'WARNING', 'RFC 8247', 'the 1024-bit MODP group as SHOULD NOT', '2.4'],
    ['espPerfectForwardSecrecy', 'modp1536', 'WARNING', 'RFC 8247', 'the 1536-bit MODP group as SHOULD NOT', '2.4'],
  ] as const)('says of %s %s %s', async (field, value, severity, rfc, rating, section) => {
    expect(await advisoriesOf({ [field]: value })).toEqual([
      {
        field,
        severity,
        message: `${rfc}, which speaks of IKEv2, rates ${rating}. ${meanings[severity]}`,
        reference: `https://www.rfc-editor.org/rfc/${rfc.replace(' ', '').toLowerCase()}#section-${section}`,
      },
    ]);
  });

  it.each([
    ['AES', { ikeEncryptionAlgorithm: 'aes128', espEncryptionAlgorithm: 'aes192' }],
    ['no group, however it is told', { ikeDhGroup: 'None', espPerfectForwardSecrecy: '' }],
    ['what is absent', Object.fromEntries(fields.map((field) => [field, undefined]))],
    ['what is unknown', Object.fromEntries(fields.map((field) => [field, 'constructor']))],
    ['what is of the wrong type', Object.fromEntries(fields.map((field) => [field, 3]))],
  ])('says nothing of %s', async (_, wire) => {
    expect(await advisoriesOf(wire)).toEqual([]);
  });

  it('says all there is to say, in the order of the fields, whatever the spelling', async () => {
    const advisories = await advisoriesOf({
      espPerfectForwardSecrecy: 'Group-2 (1024-bit)',
      espHashAlgorithm: 'MD5',
      espEncryptionAlgorithm: '3DES',
      ikeDhGroup: 'Group-5 (1536-bit)',
      ikeHashAlgorithm: 'SHA1',
      ikeEncryptionAlgorithm: '3DES',
    });
    expect(advisories.map((each) => [textAt(each, 'field'), textAt(each, 'severity')])).toEqual([
      ['ikeEncryptionAlgorithm', 'NOTICE'],
      ['ikeHashAlgorithm', 'NOTICE'],
      ['ikeDhGroup', 'WARNING'],
      ['espEncryptionAlgorithm', 'WARNING'],
      ['espHashAlgorithm', 'CRITICAL'],
      ['espPerfectForwardSecrecy', 'WARNING'],
    ]);
  });
});
