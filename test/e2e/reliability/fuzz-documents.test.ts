// Random documents, valid and malformed, sent to the built gateway: each response has status 200, or 400 with an error code.
// RELIABILITY_RUNS sets the number of documents.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isEnumType, isInputObjectType, isObjectType } from 'graphql';
import { createSchema } from '../../../src/graph/schema.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';
import { toRunCount } from '../../helpers/run-count.js';
import { anyCharacter, checkProperty } from './random.js';

const defaultRuns = 200;
const keyCanary = 'canaryKey5531';
const upstream = await startUpstream();
const gateway = await launchGateway({
  CLOUDCA_API_URL: upstream.url,
  RATE_LIMIT_PER_MINUTE: '0',
  LOG_LEVEL: 'error',
});

const schemaNames = Object.values(createSchema().getTypeMap()).flatMap((type) => {
  if (isEnumType(type)) return [type.name, ...type.getValues().map(({ name }) => name)];
  if (isInputObjectType(type)) return [type.name, ...Object.keys(type.getFields())];
  if (!isObjectType(type)) return [type.name];
  const fields = Object.values(type.getFields());
  return [type.name, ...fields.flatMap(({ name, args }) => [name, ...args.map((argument) => argument.name)])];
});
const specialNames = [
  '__proto__',
  'constructor',
  'toString',
  '__typename',
  '__schema',
  '__type',
  'on',
  'true',
  'null',
  'a',
];
const name = fc.constantFrom(...new Set([...schemaNames, ...specialNames]));
const fragmentName = fc.constantFrom('A', 'B', '__proto__', 'constructor');

/** Generates pieces of syntactically valid GraphQL, nested to any depth. Few of the documents pass validation. */
const grammar = fc.letrec<{ value: string; selection: string; selections: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('1', '-0', '1e400', '2147483648', '"x"', '""', 'null', 'true', '$v', '$__proto__', '"""x"""'),
    name,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' ')}]`),
    fc
      .array(fc.tuple(name, tie('value')), { maxLength: 3 })
      .map((items) => `{${items.map(([key, value]) => `${key}: ${value}`).join(' ')}}`),
  ),
  selection: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    name,
    fragmentName.map((spread) => `...${spread}`),
    fc
      .tuple(
        fc.option(name, { nil: undefined }),
        name,
        fc.array(fc.tuple(name, tie('value')), { maxLength: 2 }),
        fc.option(tie('selections'), { nil: '' }),
      )
      .map(([alias, field, args, nested]) => {
        const list = args.map(([key, value]) => `${key}: ${value}`).join(', ');
        return `${alias === undefined ? '' : `${alias}: `}${field}${list === '' ? '' : `(${list})`} ${nested}`;
      }),
    fc.tuple(name, tie('selections')).map(([type, nested]) => `... on ${type} ${nested}`),
    fc.tuple(name, tie('value')).map(([directive, value]) => `__typename @${directive}(if: ${value})`),
  ),
  selections: fc.array(tie('selection'), { minLength: 1, maxLength: 5 }).map((items) => `{ ${items.join(' ')} }`),
}));

const operation = fc
  .tuple(
    fc.constantFrom(
      '',
      'query',
      'mutation',
      'query Q',
      'query ($v: ID)',
      'mutation ($v: [Int!]!)',
      'query ($__proto__: EnvironmentInput)',
    ),
    grammar.selections,
  )
  .map(([head, selections]) => `${head} ${selections}`);
const fragment = fc
  .tuple(fragmentName, name, grammar.selections)
  .map(([ownName, type, selections]) => `fragment ${ownName} on ${type} ${selections}`);
const parsableDocument = fc
  .tuple(fc.array(operation, { minLength: 1, maxLength: 2 }), fc.array(fragment, { maxLength: 4 }))
  .map((parts) => parts.flat().join('\n'));

/** Generates valid documents of fields that need no argument, nested, aliased and repeated. They use their fragment, as GraphQL requires. */
const validDocument = fc
  .letrec<{ environment: string }>((tie) => ({
    environment: fc
      .array(
        fc.oneof(
          { maxDepth: 3 },
          fc.constantFrom('id', 'name', 'a: id', 'organization { id }', '...A', 'id @include(if: true)'),
          tie('environment').map((nested) => `... on Environment ${nested}`),
        ),
        { minLength: 1, maxLength: 5 },
      )
      .map((items) => `{ ${items.join(' ')} }`),
  }))
  .environment.map(
    (selections) =>
      `{ environments ${selections} b: environments ${selections} c: environments { ...A } } fragment A on Environment { name serviceConnection { id } }`,
  );

const malformedDocument = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '{',
        '}',
        '(',
        ')',
        '[',
        ']',
        ':',
        '...',
        '@',
        '$',
        '"',
        '"""',
        '!',
        '|',
        '&',
        '#',
        ',',
        'a',
        'query',
        'fragment',
        '1',
        '\ufeff',
        '\n',
        '\\',
      ),
      { maxLength: 80 },
    )
    .map((tokens) => tokens.join(' ')),
  fc
    .tuple(parsableDocument, fc.nat(), fc.string({ unit: anyCharacter, minLength: 1, maxLength: 3 }))
    .map(([text, position, inserted]) => {
      const index = position % (text.length + 1);
      return text.slice(0, index) + inserted + text.slice(index + 1);
    }),
  fc
    .tuple(fc.constantFrom('{', '[', '(', '{a', '{a(b:[', '...{', 'a:', ','), fc.nat(20_000))
    .map(([part, count]) => part.repeat(count)),
);

const request = fc.record(
  {
    query: fc.oneof(
      { weight: 4, arbitrary: parsableDocument },
      { weight: 2, arbitrary: validDocument },
      { weight: 3, arbitrary: malformedDocument },
    ),
    variables: fc.oneof(
      fc.dictionary(fc.constantFrom('v', '__proto__', 'constructor'), fc.jsonValue({ maxDepth: 4 }), {
        noNullPrototype: true,
      }),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    operationName: fc.oneof(fc.constantFrom('Q', '__proto__', null), fc.jsonValue({ maxDepth: 1 })),
    extensions: fc.oneof(
      fc.record({
        persistedQuery: fc.record(
          { version: fc.constantFrom(1, 2, null), sha256Hash: fc.jsonValue({ maxDepth: 2 }) },
          { requiredKeys: [] },
        ),
      }),
      fc.jsonValue({ maxDepth: 2 }),
    ),
  },
  { requiredKeys: ['query'] },
);

// A valid document and nothing else, so that some responses have status 200.
const validRequest = { weight: 1, arbitrary: fc.record({ query: validDocument }) };

// The codes that the contract allows here. INTERNAL_SERVER_ERROR is not one of them.
const allowedCodes = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'UPSTREAM_BAD_RESPONSE',
];

describe('POST /graphql with a random document', () => {
  it(
    'responds with status 200, or with status 400 and an error code',
    async () => {
      const statuses = new Set<number>();
      const property = fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: request }, validRequest), async (body) => {
        const { status, json, text } = await post(gateway.url, body, keyHeader(keyCanary));
        statuses.add(status);
        expect([200, 400]).toContain(status);
        expect(text).not.toMatch(/canaryKey|node_modules|\bat [\w.<>]+ \(/);
        expect(json).toEqual(expect.any(Object));
        if (typeof json !== 'object' || json === null) throw new Error(text);
        const errors = 'errors' in json ? json.errors : [];
        if (!Array.isArray(errors)) throw new Error(text);
        expect(status === 200 || errors.length > 0).toBe(true);
        for (const error of errors.map((item: { extensions: object }) => item)) {
          expect(error).toMatchObject({ message: expect.any(String), extensions: { requestId: expect.any(String) } });
          expect(allowedCodes).toContain(new Map<string, unknown>(Object.entries(error.extensions)).get('code'));
        }
      });
      // Both statuses occur with every seed.
      await checkProperty('Random documents', defaultRuns, property, [
        [{ query: '{ __typename }' }],
        [{ query: '{ nothing }' }],
      ]);
      expect([...statuses].sort()).toEqual([200, 400]);
      // The gateway logged no unexpected error.
      expect(gateway.lines().filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
      expect(await post(gateway.url, { query: '{ __typename }' })).toMatchObject({ status: 200 });
    },
    60_000 + toRunCount(defaultRuns) * 100,
  );
});
