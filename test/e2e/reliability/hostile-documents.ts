// Documents and variables that are made to hurt, each with what is to come of it. Plain data: it knows neither a gateway nor a transport.
import { getIntrospectionQuery } from 'graphql';

/** Stands where a caller's pre-shared key would. */
export const presharedKeyCanary = 'canaryPsk41Zq9';

const times = (count: number, toText: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => toText(index)).join(' ');
const environment = 'environment: { serviceCode: "compute-on", name: "test_area" }';
const vpns = (selection: string) => `{ siteToSiteVpns(${environment}) { ${selection} } }`;
const rows = (selection: string) => vpns(`nodes { ${selection} }`);
/** So many fragments, each of which spreads the next one twice: 2^count times the last. */
const doubling = (count: number, toBody: (next: string) => string) =>
  `${times(count, (index) => `fragment F${index} on SiteToSiteVpn { ${toBody(`...F${index + 1}`)} }`)}
   fragment F${count} on SiteToSiteVpn { id }`;
const deep = (...names: string[]) =>
  vpns(`...${names[0] ?? ''}`) +
  names
    .map((name, index) => {
      const next = names[index + 1];
      const inner = next === undefined ? 'name' : `vpc { siteToSiteVpns { ...${next} } }`;
      return ` fragment ${name} on SiteToSiteVpnConnection { nodes { ${inner} } }`;
    })
    .join('');
const literal = `environment: { serviceCode: "compute-on", name: "test_area" }, id: "x", waitSeconds: 0`;
const reset = (alias: string) => `${alias}: resetSiteToSiteVpn(input: { ${literal} }) { task { id } }`;

/** A document that asks for more than it may. */
export interface HostileDocument {
  readonly name: string;
  readonly query: string;
  readonly code: 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED';
  /** What is told, of one error at least. */
  readonly message: string | RegExp;
}

const tooLong = 'The document is longer than 16384 bytes. Send it without what is not needed.';
const tooManyTokens = 'The document has more than 1000 tokens. Ask for less at once.';
const operation = (fault: string) => `The operation ${fault}. Ask for less at once.`;
const tooDeep = operation('is more than 8 fields deep');
const tooManyFields = operation('has more than 1000 fields, those of fragments included');
const tooManyRepeats = operation('asks for the same field more than 30 times');
const tooManyAliases = operation('has more than 15 aliases');
const tooManyDirectives = operation('has more than 10 directives');

const parseFailures: readonly (readonly [name: string, message: string | RegExp, query: string])[] = [
  ['255 KB of commas', tooLong, `${','.repeat(255_000)}{ __typename }`],
  ['a comment of 17 KB', tooLong, `{ __typename } # ${'x'.repeat(17_000)}`],
  ['6,000 characters of three bytes each', tooLong, `{ __typename } # ${'€'.repeat(6_000)}`],
  ['a key of 200 KB as a literal', tooLong, `{ task(id: "${presharedKeyCanary.repeat(14_000)}") { id } }`],
  ['10,000 aliases', tooLong, `{ ${times(10_000, (index) => `a${index}: __typename`)} }`],
  ['10,000 items in a list', tooLong, `{ task(id: [${times(10_000, () => '1')}]) { id } }`],
  ['400 aliases', tooManyTokens, `{ ${times(400, (index) => `a${index}: __typename`)} }`],
  ['1,000 items in a list', tooManyTokens, `{ task(id: [${times(1_000, () => '1')}]) { id } }`],
  ['1,000 fields', tooManyTokens, `{ ${times(1_000, () => 'id')} }`],
  ['600 levels of braces', tooManyTokens, `${'{ a '.repeat(600)}${'}'.repeat(600)}`],
  ['240 operations', tooManyTokens, times(240, (index) => `query Q${index} { __typename }`)],
  ['1,100 brackets', tooManyTokens, `{ task(id: ${'['.repeat(550)}${']'.repeat(550)}) { id } }`],
  ['a surrogate alone', /^The document is not GraphQL: /, '{ environments { id\ud800 } }'],
  ['a NUL', /^The document is not GraphQL: /, '{ environments { id } } \0'],
];

const invalid: readonly (readonly [name: string, message: string | RegExp, query: string])[] = [
  [
    'nine fields deep',
    tooDeep,
    rows('vpc { siteToSiteVpns { nodes { vpc { siteToSiteVpns { edges { node { id } } } } } } }'),
  ],
  ['nine fields deep, through fragments', tooDeep, deep('A', 'B', 'C')],
  ['nine fields deep, through fragments named as properties', tooDeep, deep('__proto__', 'constructor', 'toString')],
  [
    'nine fields deep, through inline fragments',
    tooDeep,
    rows(
      '... { vpc { ... on Vpc { siteToSiteVpns { nodes { vpc { siteToSiteVpns { ... { edges { node { id } } } } } } } } } }',
    ),
  ],
  ['nine fields deep in the second operation', tooDeep, `query A { __typename } query B ${deep('C', 'D', 'E')}`],
  ['300 fields deep', tooDeep, rows(`${'vpc { '.repeat(300)}id${' }'.repeat(300)}`)],
  ['18 levels of fragments', tooManyFields, `${rows('...F0')} ${doubling(18, (next) => `${next} ${next}`)}`],
  ['25 levels of fragments', tooManyFields, `${rows('...F0')} ${doubling(25, (next) => `${next} ${next}`)}`],
  [
    '18 levels of fragments within fields',
    tooManyFields,
    `${rows('...F0')} ${doubling(18, (next) => `vpc { siteToSiteVpns { nodes { ${next} ${next} } } }`)}`,
  ],
  [
    '25 levels of fragments within fields of other names',
    tooManyFields,
    `${rows('...F0')} ${doubling(25, (next) => `vpc { siteToSiteVpns { nodes { ${next} } } } b: vpc { siteToSiteVpns { nodes { ${next} } } }`)}`,
  ],
  [
    'fragments of 20 fields, spread by 20 fragments that are spread 20 times',
    tooManyFields,
    `${rows(times(20, () => '...A'))} fragment A on SiteToSiteVpn { ${times(20, () => '...B')} } fragment B on SiteToSiteVpn { ${times(20, () => 'id')} }`,
  ],
  ['a fragment that spreads itself', /within itself/, `${rows('...A')} fragment A on SiteToSiteVpn { id ...A }`],
  [
    'fragments in a circle',
    /within itself/,
    `${rows('...A')} fragment A on SiteToSiteVpn { ...B } fragment B on SiteToSiteVpn { ...C } fragment C on SiteToSiteVpn { ...A }`,
  ],
  [
    'fragments in a circle through fields',
    /within itself/,
    `${rows('...A')} fragment A on SiteToSiteVpn { vpc { siteToSiteVpns { nodes { ...A } } } }`,
  ],
  [
    'a circle of fragments named as properties',
    /within itself/,
    `${rows('...__proto__')} fragment __proto__ on SiteToSiteVpn { ...constructor } fragment constructor on SiteToSiteVpn { ...__proto__ }`,
  ],
  [
    '18 fragments that all spread each other',
    /within itself/,
    `${rows('...F0')} ${times(18, (index) => `fragment F${index} on SiteToSiteVpn { ${times(18, (other) => `...F${other}`)} }`)}`,
  ],
  ['16 aliases', tooManyAliases, rows(times(16, (index) => `a${index}: id`))],
  ['16 aliases of __typename', tooManyAliases, rows(times(16, (index) => `a${index}: __typename`))],
  ['240 aliases', tooManyAliases, rows(times(240, (index) => `a${index}: id`))],
  [
    '16 aliases of two in a fragment',
    tooManyAliases,
    `${rows('edge: vpc { ...A } ...B')} ${times(7, (index) => `fragment ${'BCDEFGH'[index] ?? ''} on SiteToSiteVpn { v${index}: vpc { ...A } ${index < 6 ? `...${'CDEFGH'[index] ?? ''}` : ''} }`)} fragment A on Vpc { one: id }`,
  ],
  ['an alias in two ways', tooManyAliases, rows(times(200, (index) => `a: ${index % 2 === 0 ? 'id' : 'name'}`))],
  ['11 root fields', operation('has more than 10 root fields'), `{ ${times(11, () => '__typename')} }`],
  [
    '11 root fields by fragments',
    operation('has more than 10 root fields'),
    '{ ...A ...B __typename } fragment A on Query { ...B ...B } fragment B on Query { ... { __typename environments { id } b: __typename } __typename }',
  ],
  ['900 root fields', operation('has more than 10 root fields'), `{ ${times(900, () => '__typename')} }`],
  [
    '4 root fields of a mutation',
    operation('has more than 3 root fields'),
    `mutation { ${times(4, (index) => reset(`a${index}`))} }`,
  ],
  [
    '4 root fields of a mutation by fragments',
    operation('has more than 3 root fields'),
    `mutation { ...A ...A } fragment A on Mutation { ${reset('a')} ... { ${reset('b')} } }`,
  ],
  ['11 directives', tooManyDirectives, rows(times(11, () => 'id @include(if: true)'))],
  [
    '11 directives by a fragment',
    tooManyDirectives,
    `${rows(times(11, () => '...A'))} fragment A on SiteToSiteVpn { id @skip(if: false) }`,
  ],
  [
    '11 directives on everything',
    tooManyDirectives,
    `query ($a: Int @a @b) @c @d { ...A @e @f ... @g @h { __typename @i @j } } fragment A on Query @k { __typename }`,
  ],
  ['120 directives on one field', tooManyDirectives, `{ __typename ${times(120, () => '@include(if: true)')} }`],
  ['a field 31 times', tooManyRepeats, rows(times(31, () => 'id'))],
  ['240 fields that overlap', tooManyRepeats, rows(times(240, () => 'vpc { id }'))],
  ['a field 36 times in merged fields', tooManyRepeats, vpns(times(6, () => `nodes { ${times(6, () => 'id')} }`))],
  [
    'a field in 31 fragments',
    tooManyRepeats,
    `${rows(times(31, (index) => `...F${index}`))} ${times(31, (index) => `fragment F${index} on SiteToSiteVpn { id }`)}`,
  ],
  ['240 inline fragments', tooManyRepeats, rows(times(240, () => '... { id }'))],
  [
    'introspection in a loop',
    operation('introspects more than 15 fields deep'),
    `{ __schema { types { ${'fields { type { '.repeat(100)}name${' } }'.repeat(100)} } } }`,
  ],
  [
    'introspection in a short loop',
    'Maximum introspection depth exceeded',
    '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
  ],
  [
    'introspection in a loop of a type',
    operation('introspects more than 15 fields deep'),
    `{ __type(name: "Vpc") { ${'ofType { '.repeat(150)}name${' }'.repeat(150)} } }`,
  ],
  [
    'introspection in a loop of fragments',
    'Maximum introspection depth exceeded',
    '{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } } fragment B on __Type { fields { type { ...C } } } fragment C on __Type { fields { name } }',
  ],
  [
    'introspection of all under three names each',
    operation('has more than 2 aliases in its introspection'),
    '{ __schema { types { a: fields { type { b: fields { name } c: fields { name } } } } } }',
  ],
  [
    'introspection under ten names',
    operation('has more than 2 aliases in its introspection'),
    `{ ${times(10, (index) => `a${index}: __schema { types { name } }`)} }`,
  ],
  [
    '180 variables of types that are none',
    /^Unknown type /,
    `query (${times(180, (index) => `$v${index}: EnvironmentInpu`)}) { __typename }`,
  ],
  [
    '300 arguments that are none',
    /^Unknown argument /,
    `{ environments(${times(300, (index) => `environmen${index}: 1`)}) { id } }`,
  ],
  [
    '300 fields of an input that are none',
    /is not defined by type "EnvironmentInput"/,
    `{ vpcs(environment: { ${times(300, (index) => `serviceCod${index}: 1`)} }) { totalCount } }`,
  ],
  [
    '900 values of an enum that are none',
    /^The value does not fit/,
    `{ siteToSiteVpns(${environment}, filter: { states: [${times(900, () => 'CONNECTEE')}] }) { totalCount } }`,
  ],
  ['100 definitions of types', /is not executable/, times(100, (index) => `type A${index} { a: Int }`)],
];

/** Documents that are refused on every transport before anything is executed. */
export const hostileDocuments: readonly HostileDocument[] = [
  ...parseFailures.map(([name, message, query]) => ({ name, message, query, code: 'GRAPHQL_PARSE_FAILED' as const })),
  ...invalid.map(([name, message, query]) => ({ name, message, query, code: 'GRAPHQL_VALIDATION_FAILED' as const })),
];

/** Documents at the limits, each of which is answered. */
export const documentsAtTheLimits: readonly (readonly [name: string, query: string])[] = [
  ['15 KB of commas', `${','.repeat(15_000)}{ __typename }`],
  ['a comment of 16 KB', `{ __typename } #${'x'.repeat(16_384 - 16)}`],
  [
    '1,000 tokens',
    `{ siteToSiteVpns(${environment}, filter: { states: [${times(974, () => 'CONNECTED')}] }) { totalCount } }`,
  ],
  ['eight fields deep', rows('vpc { siteToSiteVpns { nodes { vpc { environment { name } } } } }')],
  ['15 aliases', rows(times(15, (index) => `a${index}: id`))],
  ['10 root fields', `{ ${times(10, () => '__typename')} }`],
  ['10 directives', rows(times(10, () => 'id @include(if: true)'))],
  ['a field 30 times', rows(times(30, () => 'id'))],
  [
    'names of properties',
    '{ __proto__: __typename ...constructor } fragment constructor on Query { toString: __typename }',
  ],
  [
    'a variable named as a property',
    `query ($constructor: ID, $toString: Int) { siteToSiteVpns(${environment}, first: $toString, filter: { vpcId: $constructor }) { totalCount } }`,
  ],
];

/** The introspection that tools send, with everything in it. */
export const fullIntrospection = getIntrospectionQuery({
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
});
