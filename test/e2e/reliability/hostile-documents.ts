// Hostile GraphQL documents, each with the error code and message that the gateway must return. Plain data, without a gateway or transport.
import { getIntrospectionQuery } from 'graphql';

/** Canary: a pre-shared key inside a document or its variables. */
export const preSharedKeyCanary = 'canaryPsk41Zq9';

const repeat = (count: number, toText: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => toText(index)).join(' ');
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const vpns = (fields: string) => `{ siteToSiteVpns(${environment}) { ${fields} } }`;
const vpnNodes = (fields: string) => vpns(`nodes { ${fields} }`);
// Returns a chain of fragments. If `toBody` spreads the next fragment twice, the last one is reached 2^count times.
const fragmentChain = (count: number, toBody: (next: string) => string) =>
  `${repeat(count, (index) => `fragment F${index} on SiteToSiteVpn { ${toBody(`...F${index + 1}`)} }`)}
   fragment F${count} on SiteToSiteVpn { id }`;
const nestedFragments = (...names: string[]) =>
  vpns(`...${names[0] ?? ''}`) +
  names
    .map((name, index) => {
      const next = names[index + 1];
      const inner = next === undefined ? 'name' : `vpc { siteToSiteVpns { ...${next} } }`;
      return ` fragment ${name} on SiteToSiteVpnConnection { nodes { ${inner} } }`;
    })
    .join('');
const resetInput = `environment: { serviceCode: "compute-on", name: "test_area" }, id: "x", waitSeconds: 0`;
const reset = (alias: string) => `${alias}: resetSiteToSiteVpn(input: { ${resetInput} }) { task { id } }`;

/** A document that the gateway must reject, with the expected error. */
export interface HostileDocument {
  readonly name: string;
  readonly query: string;
  readonly code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED';
  /** Message of at least one of the errors. */
  readonly message: string | RegExp;
}

const tooLong = 'The document is longer than 16384 bytes (MAX_DOCUMENT_LENGTH). Split it into several requests.';
const tooManyTokens = 'The document has more than 1000 tokens (MAX_TOKENS). Split it into several requests.';
const limitMessage = (problem: string) => `The operation ${problem}. Split it into several requests.`;
const tooDeep = limitMessage('has a depth of more than 8 fields (MAX_DEPTH)');
const tooManyFields = limitMessage('has more than 1000 fields, fragments included (MAX_FIELDS)');
const tooManyRepeats = limitMessage('selects the same field more than 30 times (MAX_REPEATS)');
const tooManyAliases = limitMessage('has more than 15 aliases (MAX_ALIASES)');
const tooManyDirectives = limitMessage('has more than 10 directives (MAX_DIRECTIVES)');

const parseFailures: readonly (readonly [name: string, message: string | RegExp, query: string])[] = [
  ['255 KB of commas', tooLong, `${','.repeat(255_000)}{ __typename }`],
  ['a comment of 17 KB', tooLong, `{ __typename } # ${'x'.repeat(17_000)}`],
  ['6,000 characters of three bytes each', tooLong, `{ __typename } # ${'€'.repeat(6_000)}`],
  ['a pre-shared key of 200 KB as a literal', tooLong, `{ task(id: "${preSharedKeyCanary.repeat(14_000)}") { id } }`],
  ['10,000 aliases', tooLong, `{ ${repeat(10_000, (index) => `a${index}: __typename`)} }`],
  ['10,000 items in a list', tooLong, `{ task(id: [${repeat(10_000, () => '1')}]) { id } }`],
  ['400 aliases', tooManyTokens, `{ ${repeat(400, (index) => `a${index}: __typename`)} }`],
  ['1,000 items in a list', tooManyTokens, `{ task(id: [${repeat(1_000, () => '1')}]) { id } }`],
  ['the same field 1,000 times', tooManyTokens, `{ ${repeat(1_000, () => 'id')} }`],
  ['600 levels of braces', tooManyTokens, `${'{ a '.repeat(600)}${'}'.repeat(600)}`],
  ['240 operations', tooManyTokens, repeat(240, (index) => `query Q${index} { __typename }`)],
  ['1,100 brackets', tooManyTokens, `{ task(id: ${'['.repeat(550)}${']'.repeat(550)}) { id } }`],
  ['a lone surrogate', /^The document is not GraphQL: /, '{ environments { id\ud800 } }'],
  ['a NUL', /^The document is not GraphQL: /, '{ environments { id } } \0'],
];

const validationFailures: readonly (readonly [name: string, message: string | RegExp, query: string])[] = [
  [
    'fields nested nine deep',
    tooDeep,
    vpnNodes('vpc { siteToSiteVpns { nodes { vpc { siteToSiteVpns { edges { node { id } } } } } } }'),
  ],
  ['fields nested nine deep, through fragments', tooDeep, nestedFragments('A', 'B', 'C')],
  [
    'fields nested nine deep, through fragments named like object properties',
    tooDeep,
    nestedFragments('__proto__', 'constructor', 'toString'),
  ],
  [
    'fields nested nine deep, through inline fragments',
    tooDeep,
    vpnNodes(
      '... { vpc { ... on Vpc { siteToSiteVpns { nodes { vpc { siteToSiteVpns { ... { edges { node { id } } } } } } } } } }',
    ),
  ],
  [
    'fields nested nine deep in the second operation',
    tooDeep,
    `query A { __typename } query B ${nestedFragments('C', 'D', 'E')}`,
  ],
  ['fields nested 300 deep', tooDeep, vpnNodes(`${'vpc { '.repeat(300)}id${' }'.repeat(300)}`)],
  ['18 levels of fragments', tooManyFields, `${vpnNodes('...F0')} ${fragmentChain(18, (next) => `${next} ${next}`)}`],
  ['25 levels of fragments', tooManyFields, `${vpnNodes('...F0')} ${fragmentChain(25, (next) => `${next} ${next}`)}`],
  [
    '18 levels of fragments inside fields',
    tooManyFields,
    `${vpnNodes('...F0')} ${fragmentChain(18, (next) => `vpc { siteToSiteVpns { nodes { ${next} ${next} } } }`)}`,
  ],
  [
    '25 levels of fragments inside fields, one of them under an alias',
    tooManyFields,
    `${vpnNodes('...F0')} ${fragmentChain(25, (next) => `vpc { siteToSiteVpns { nodes { ${next} } } } b: vpc { siteToSiteVpns { nodes { ${next} } } }`)}`,
  ],
  [
    'fragments of 20 fields, spread by 20 fragments that are spread 20 times',
    tooManyFields,
    `${vpnNodes(repeat(20, () => '...A'))} fragment A on SiteToSiteVpn { ${repeat(20, () => '...B')} } fragment B on SiteToSiteVpn { ${repeat(20, () => 'id')} }`,
  ],
  ['a fragment that spreads itself', /within itself/, `${vpnNodes('...A')} fragment A on SiteToSiteVpn { id ...A }`],
  [
    'fragments in a cycle',
    /within itself/,
    `${vpnNodes('...A')} fragment A on SiteToSiteVpn { ...B } fragment B on SiteToSiteVpn { ...C } fragment C on SiteToSiteVpn { ...A }`,
  ],
  [
    'fragments in a cycle through fields',
    /within itself/,
    `${vpnNodes('...A')} fragment A on SiteToSiteVpn { vpc { siteToSiteVpns { nodes { ...A } } } }`,
  ],
  [
    'a cycle of fragments named like object properties',
    /within itself/,
    `${vpnNodes('...__proto__')} fragment __proto__ on SiteToSiteVpn { ...constructor } fragment constructor on SiteToSiteVpn { ...__proto__ }`,
  ],
  [
    '18 fragments that all spread each other',
    /within itself/,
    `${vpnNodes('...F0')} ${repeat(18, (index) => `fragment F${index} on SiteToSiteVpn { ${repeat(18, (other) => `...F${other}`)} }`)}`,
  ],
  ['16 aliases', tooManyAliases, vpnNodes(repeat(16, (index) => `a${index}: id`))],
  ['16 aliases of __typename', tooManyAliases, vpnNodes(repeat(16, (index) => `a${index}: __typename`))],
  ['240 aliases', tooManyAliases, vpnNodes(repeat(240, (index) => `a${index}: id`))],
  [
    '16 aliases once fragments are expanded',
    tooManyAliases,
    `${vpnNodes('edge: vpc { ...A } ...B')} ${repeat(7, (index) => `fragment ${'BCDEFGH'[index] ?? ''} on SiteToSiteVpn { v${index}: vpc { ...A } ${index < 6 ? `...${'CDEFGH'[index] ?? ''}` : ''} }`)} fragment A on Vpc { one: id }`,
  ],
  [
    'one alias for two different fields, 200 times',
    tooManyAliases,
    vpnNodes(repeat(200, (index) => `a: ${index % 2 === 0 ? 'id' : 'name'}`)),
  ],
  [
    '11 root fields',
    limitMessage('has more than 10 root fields (MAX_ROOT_FIELDS)'),
    `{ ${repeat(11, () => '__typename')} }`,
  ],
  [
    '11 root fields, through fragments',
    limitMessage('has more than 10 root fields (MAX_ROOT_FIELDS)'),
    '{ ...A ...B __typename } fragment A on Query { ...B ...B } fragment B on Query { ... { __typename environments { id } b: __typename } __typename }',
  ],
  [
    '900 root fields',
    limitMessage('has more than 10 root fields (MAX_ROOT_FIELDS)'),
    `{ ${repeat(900, () => '__typename')} }`,
  ],
  [
    '4 root fields of a mutation',
    limitMessage('has more than 3 root fields (MAX_MUTATION_FIELDS)'),
    `mutation { ${repeat(4, (index) => reset(`a${index}`))} }`,
  ],
  [
    '4 root fields of a mutation, through fragments',
    limitMessage('has more than 3 root fields (MAX_MUTATION_FIELDS)'),
    `mutation { ...A ...A } fragment A on Mutation { ${reset('a')} ... { ${reset('b')} } }`,
  ],
  ['11 directives', tooManyDirectives, vpnNodes(repeat(11, () => 'id @include(if: true)'))],
  [
    '11 directives, through a fragment',
    tooManyDirectives,
    `${vpnNodes(repeat(11, () => '...A'))} fragment A on SiteToSiteVpn { id @skip(if: false) }`,
  ],
  [
    '11 directives, in every location',
    tooManyDirectives,
    `query ($a: Int @a @b) @c @d { ...A @e @f ... @g @h { __typename @i @j } } fragment A on Query @k { __typename }`,
  ],
  ['120 directives on one field', tooManyDirectives, `{ __typename ${repeat(120, () => '@include(if: true)')} }`],
  ['the same field 31 times', tooManyRepeats, vpnNodes(repeat(31, () => 'id'))],
  ['240 fields that overlap', tooManyRepeats, vpnNodes(repeat(240, () => 'vpc { id }'))],
  [
    'the same field 36 times in merged fields',
    tooManyRepeats,
    vpns(repeat(6, () => `nodes { ${repeat(6, () => 'id')} }`)),
  ],
  [
    'the same field in 31 fragments',
    tooManyRepeats,
    `${vpnNodes(repeat(31, (index) => `...F${index}`))} ${repeat(31, (index) => `fragment F${index} on SiteToSiteVpn { id }`)}`,
  ],
  ['240 inline fragments', tooManyRepeats, vpnNodes(repeat(240, () => '... { id }'))],
  [
    'recursive introspection, 100 levels deep',
    limitMessage('has introspection with a depth of more than 15 fields'),
    `{ __schema { types { ${'fields { type { '.repeat(100)}name${' } }'.repeat(100)} } } }`,
  ],
  [
    'recursive introspection, three levels deep',
    'Maximum introspection depth exceeded',
    '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
  ],
  [
    'recursive introspection of one type, 150 levels deep',
    limitMessage('has introspection with a depth of more than 15 fields'),
    `{ __type(name: "Vpc") { ${'ofType { '.repeat(150)}name${' }'.repeat(150)} } }`,
  ],
  [
    'recursive introspection through fragments',
    'Maximum introspection depth exceeded',
    '{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } } fragment B on __Type { fields { type { ...C } } } fragment C on __Type { fields { name } }',
  ],
  [
    'introspection of all types with three aliases',
    limitMessage('has introspection with more than 2 aliases'),
    '{ __schema { types { a: fields { type { b: fields { name } c: fields { name } } } } } }',
  ],
  [
    'introspection with ten aliases',
    limitMessage('has introspection with more than 2 aliases'),
    `{ ${repeat(10, (index) => `a${index}: __schema { types { name } }`)} }`,
  ],
  [
    '180 variables of unknown types',
    /^Unknown type /,
    `query (${repeat(180, (index) => `$v${index}: EnvironmentInpu`)}) { __typename }`,
  ],
  [
    '300 unknown arguments',
    /^Unknown argument /,
    `{ environments(${repeat(300, (index) => `environmen${index}: 1`)}) { id } }`,
  ],
  [
    '300 unknown input fields',
    /is not defined by type "EnvironmentInput"/,
    `{ vpcs(environment: { ${repeat(300, (index) => `serviceCod${index}: 1`)} }) { totalCount } }`,
  ],
  [
    '900 unknown enum values',
    /^Unknown value for SiteToSiteVpnState\. Allowed: CONNECTED, /,
    `{ siteToSiteVpns(${environment}, filter: { states: [${repeat(900, () => 'CONNECTEE')}] }) { totalCount } }`,
  ],
  ['100 type definitions', /is not executable/, repeat(100, (index) => `type A${index} { a: Int }`)],
];

/** Documents that the gateway rejects on every transport, before it executes anything. */
export const hostileDocuments: readonly HostileDocument[] = [
  ...parseFailures.map(([name, message, query]) => ({ name, message, query, code: 'GRAPHQL_PARSE_FAILED' as const })),
  ...validationFailures.map(([name, message, query]) => ({
    name,
    message,
    query,
    code: 'GRAPHQL_VALIDATION_FAILED' as const,
  })),
];

/** Documents exactly at the limits, which the gateway executes. */
export const documentsAtLimits: readonly (readonly [name: string, query: string])[] = [
  ['15 KB of commas', `${','.repeat(15_000)}{ __typename }`],
  ['a comment of 16 KB', `{ __typename } #${'x'.repeat(16_384 - 16)}`],
  [
    '1,000 tokens',
    `{ siteToSiteVpns(${environment}, filter: { states: [${repeat(974, () => 'CONNECTED')}] }) { totalCount } }`,
  ],
  ['fields nested eight deep', vpnNodes('vpc { siteToSiteVpns { nodes { vpc { environment { name } } } } }')],
  ['15 aliases', vpnNodes(repeat(15, (index) => `a${index}: id`))],
  ['10 root fields', `{ ${repeat(10, () => '__typename')} }`],
  ['10 directives', vpnNodes(repeat(10, () => 'id @include(if: true)'))],
  ['the same field 30 times', vpnNodes(repeat(30, () => 'id'))],
  [
    'fragments and aliases named like object properties',
    '{ __proto__: __typename ...constructor } fragment constructor on Query { toString: __typename }',
  ],
  [
    'variables named like object properties',
    `query ($constructor: ID, $toString: Int) { siteToSiteVpns(${environment}, first: $toString, filter: { vpcId: $constructor }) { totalCount } }`,
  ],
];

/** The introspection query that tools send, with all its options. */
export const fullIntrospection = getIntrospectionQuery({
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
});
