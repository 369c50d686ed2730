// SiteToSiteVpn.securityAdvisories: every entry of the table, in both phases.
import { describe, expect, it } from '@jest/globals';
import { environment, numberedId, numberedVpn } from '../helpers/fixtures.js';
import { listAt, startOnUpstream, textAt } from './graph-client.js';

const graph = await startOnUpstream();

const fields = [
  'ikeEncryptionAlgorithm',
  'ikeHashAlgorithm',
  'ikeDhGroup',
  'espEncryptionAlgorithm',
  'espHashAlgorithm',
  'espPerfectForwardSecrecy',
] as const;
// Values without an advisory.
const strong = {
  ikeEncryptionAlgorithm: 'aes256',
  ikeHashAlgorithm: null,
  ikeDhGroup: null,
  espEncryptionAlgorithm: 'aes256',
  espHashAlgorithm: null,
  espPerfectForwardSecrecy: null,
};

async function advisoriesOf(wire: object): Promise<unknown[]> {
  graph.upstream.script(() => ({ data: numberedVpn(1, 1, { ...strong, ...wire }) }));
  const query = `query ($environment: EnvironmentInput!, $id: ID!) {
    siteToSiteVpn(environment: $environment, id: $id) { securityAdvisories { field severity message reference } }
  }`;
  const body = await graph.execute(query, { environment, id: numberedId('vpn', 1) });
  return listAt(body, 'data', 'siteToSiteVpn', 'securityAdvisories');
}

const recommendations = {
  CRITICAL: 'It is broken. Update or recreate the VPN with a stronger algorithm.',
  WARNING: 'It is weak. Update or recreate the VPN with a stronger algorithm if both ends of the tunnel have one.',
  NOTICE: 'It is still allowed, and will be deprecated. Prefer a stronger algorithm.',
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
  ] as const)('has for %s %s one advisory of severity %s', async (field, value, severity, rfc, rating, section) => {
    expect(await advisoriesOf({ [field]: value })).toEqual([
      {
        field,
        severity,
        message: `${rfc} (IPsec with IKEv2) rates ${rating}. ${recommendations[severity]}`,
        reference: `https://www.rfc-editor.org/rfc/${rfc.replace(' ', '').toLowerCase()}#section-${section}`,
      },
    ]);
  });

  it.each([
    ['AES', { ikeEncryptionAlgorithm: 'aes128', espEncryptionAlgorithm: 'aes192' }],
    ['no group, in either spelling', { ikeDhGroup: 'None', espPerfectForwardSecrecy: '' }],
    ['absent values', Object.fromEntries(fields.map((field) => [field, undefined]))],
    ['unknown values', Object.fromEntries(fields.map((field) => [field, 'constructor']))],
    ['values of the wrong type', Object.fromEntries(fields.map((field) => [field, 3]))],
  ])('has no advisory for %s', async (_, wire) => {
    expect(await advisoriesOf(wire)).toEqual([]);
  });

  it('has all advisories, in the order of the fields, in any spelling of the values', async () => {
    const advisories = await advisoriesOf({
      espPerfectForwardSecrecy: 'Group-2 (1024-bit)',
      espHashAlgorithm: 'MD5',
      espEncryptionAlgorithm: '3DES',
      ikeDhGroup: 'Group-5 (1536-bit)',
      ikeHashAlgorithm: 'SHA1',
      ikeEncryptionAlgorithm: '3DES',
    });
    expect(advisories.map((advisory) => [textAt(advisory, 'field'), textAt(advisory, 'severity')])).toEqual([
      ['ikeEncryptionAlgorithm', 'NOTICE'],
      ['ikeHashAlgorithm', 'NOTICE'],
      ['ikeDhGroup', 'WARNING'],
      ['espEncryptionAlgorithm', 'WARNING'],
      ['espHashAlgorithm', 'CRITICAL'],
      ['espPerfectForwardSecrecy', 'WARNING'],
    ]);
  });
});
