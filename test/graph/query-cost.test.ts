// Query cost: the REST calls that an operation is charged for. They are those that it makes, however often it selects what they read.
import { describe, expect, it } from '@jest/globals';
import { buildSchema, type DocumentNode, Kind, type OperationDefinitionNode, parse } from 'graphql';
import { estimateRestCalls } from '../../src/graph/limits/query-cost.js';
import { createSchema } from '../../src/graph/schema.js';
import { environmentLiteral, vpnId } from '../helpers/fixtures.js';

const environment = `environment: ${environmentLiteral}`;
const id = `id: "${vpnId}"`;
const one = (fields: string) => `{ siteToSiteVpn(${environment}, ${id}) { ${fields} } }`;
const list = (fields: string) => `{ siteToSiteVpns(${environment}) { nodes { ${fields} } } }`;

function toOperation(document: DocumentNode): OperationDefinitionNode {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (operation === undefined) throw new TypeError('The document has no operation.');
  return operation;
}

const schema = createSchema();
function estimate(text: string, variables: Readonly<Record<string, unknown>> = {}): number {
  const document = parse(text);
  return estimateRestCalls(schema, document, toOperation(document))(variables);
}

describe('estimateRestCalls', () => {
  it.each([
    [1, '{ __typename }'],
    [1, `{ siteToSiteVpns(${environment}) { totalCount } }`],
    [1, list('vpc { id __typename }')],
    [2, list('vpc { name }')],
    [2, `${list('vpc { ...V }')} fragment V on Vpc { name }`],
    [2, `{ vpcs(${environment}) { nodes { siteToSiteVpns { totalCount } } } }`],
    [1, '{ environments { name serviceConnection { name } } }'],
    [2, '{ environments { name serviceConnection { serviceCode type } } }'],
    [2, list('networkOverlaps { cidr }')],
    [3, one('networkOverlaps { cidr }')],
    [3, `subscription { siteToSiteVpnUpdated(${environment}, ${id}) { networkOverlaps { cidr } } }`],
    [3, `{ task(${id}) { siteToSiteVpn { vpc { name } } } }`],
    [2, `mutation { resetSiteToSiteVpn(input: {${environment}, ${id}}) { siteToSiteVpn { state } } }`],
    [
      3,
      `{ a: siteToSiteVpn(${environment}, ${id}) { id } b: vpcs(${environment}) { totalCount } environments { id } }`,
    ],
  ])('returns %i for %s', (expected, text) => {
    expect(estimate(text)).toBe(expected);
  });

  it.each([
    ['two aliases of a VPC', 2, one('a: vpc { name } b: vpc { cidr }')],
    ['a VPC and the remote end, which needs the same VPC', 2, one('vpc { name } remoteEnd { peerAddress }')],
    [
      'a VPC and, in a fragment, the remote end',
      2,
      `${list('vpc { name } ...R')} fragment R on SiteToSiteVpn { remoteEnd { peerAddress } }`,
    ],
    [
      'the VPCs of nodes and edges',
      2,
      `{ siteToSiteVpns(${environment}) { nodes { vpc { name } } edges { node { vpc { cidr } } } } }`,
    ],
    ['overlaps, the VPC and its VPNs', 2, list('networkOverlaps { cidr } vpc { siteToSiteVpns { totalCount } }')],
    ['a VPC, its VPNs, and their VPC again', 3, one('vpc { siteToSiteVpns { nodes { name vpc { cidr } } } }')],
    [
      'root fields that merge into one',
      1,
      '{ ...Q ...Q environments { name } } fragment Q on Query { environments { id } }',
    ],
    [
      'fragments that are spread again and again',
      2,
      `{ ...A } fragment A on Query { ...B ...B } fragment B on Query { ...C ...C }
       fragment C on Query { environments { id } vpcs(${environment}) { totalCount } }`,
    ],
  ])('counts a call once for %s', (_, expected, text) => {
    expect(estimate(text)).toBe(expected);
  });

  it('counts the calls of each root field', () => {
    const remoteEnd = 'vpc { name } remoteEnd { peerAddress }';
    const fields = ['a', 'b'].map((name) => `${name}: siteToSiteVpn(${environment}, ${id}) { ${remoteEnd} }`);
    expect(estimate(`{ ${fields.join(' ')} }`)).toBe(4);
  });

  it('counts no fragment that only another operation spreads', () => {
    const fragment = `fragment Q on Query { vpcs(${environment}) { nodes { siteToSiteVpns { totalCount } } } }`;
    expect(estimate(`query Used { environments { id } } query Other { ...Q ...Q } ${fragment}`)).toBe(1);
  });

  it('returns at least 1', () => {
    const document = parse('{ a }');
    expect(estimateRestCalls(buildSchema('type Query { a: Int }'), document, toOperation(document))({})).toBe(1);
  });
});

describe('validateOnly', () => {
  const selected = 'siteToSiteVpn { vpc { name } } task { siteToSiteVpn { name } }';
  const create = `mutation ($input: CreateSiteToSiteVpnInput!) { createSiteToSiteVpn(input: $input) { ${selected} } }`;
  const update = (input: string) =>
    `mutation ($yes: Boolean!) { updateSiteToSiteVpn(input: {${environment}, ${id}, ${input}}) { ${selected} } }`;

  it.each([
    ['a variable with the input', create, { input: { validateOnly: true } }, 2],
    ['no such field in it', create, { input: {} }, 3],
    ['false in it', create, { input: { validateOnly: false } }, 3],
    ['a literal', update('validateOnly: true'), { yes: true }, 1],
    ['a literal of false', update('validateOnly: false'), { yes: true }, 3],
    ['a variable', update('validateOnly: $yes'), { yes: true }, 1],
    ['a variable of false', update('validateOnly: $yes'), { yes: false }, 3],
  ])('charges its reads only, whatever is selected, with %s', (_, text, variables, expected) => {
    expect(estimate(text, variables)).toBe(expected);
  });

  it('charges a write beside it in full', () => {
    const both = `mutation {
      a: updateSiteToSiteVpn(input: {${environment}, ${id}, dpd: true, validateOnly: true}) { ${selected} }
      b: updateSiteToSiteVpn(input: {${environment}, ${id}, dpd: true}) { ${selected} }
    }`;
    expect(estimate(both)).toBe(4);
  });
});
