// With introspection off, error messages name nothing of the schema that the client did not send. Tests every name of the schema with a
// typo, and every position for which graphql-js would name what is missing or expected.
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLObjectType,
} from 'graphql';
import { createSchema } from '../../../src/graph/schema.js';
import { keyHeader } from '../../helpers/fixtures.js';
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/http.js';
import { takeSixth } from './random.js';
import { openAcknowledgedSocket } from '../../server/subscriptions/subscribers.js';

const schema = createSchema();
const types = Object.values(schema.getTypeMap());
const toWords = (text: string) => new Set(text.match(/[_A-Za-z]\w*/g) ?? []);

/** Every name of the schema, introspection included. */
const names = new Set<string>([
  ...types.map(({ name }) => name),
  ...types.flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => name);
    if (isInputObjectType(type)) return Object.keys(type.getFields());
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap(({ name, args }) => [
      name,
      ...args.map((argument) => argument.name),
    ]);
  }),
  ...schema.getDirectives().flatMap(({ name, args }) => [name, ...args.map((argument) => argument.name)]),
]);

interface Request {
  readonly query: string;
  readonly variables?: object;
}

/** Returns names that the schema lacks: with a changed letter at the start, in the middle or at the end. */
function misspell(name: string): readonly string[] {
  const change = (index: number) => name.slice(0, index) + (name[index] === 'q' ? 'k' : 'q') + name.slice(index + 1);
  const misspelled = [change(0), change(name.length >> 1), change(name.length - 1)];
  return takeSixth(misspelled, name.length).filter(
    (unknown) => unknown !== '' && !names.has(unknown) && !unknown.startsWith('__'),
  );
}

/** Returns a valid literal of a type. */
function toLiteral(type: GraphQLInputType): string {
  if (isNonNullType(type)) return toLiteral(type.ofType);
  if (isListType(type)) return `[${toLiteral(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{ ${required.map((field) => `${field.name}: ${toLiteral(field.type)}`).join(', ')} }`;
  }
  return type.toString() === 'Int' ? '1' : type.toString() === 'Boolean' ? 'true' : '"x"';
}

/** Returns a field with its required arguments. `literal` is the value of one argument, which may be optional. */
function toCall({ name, args }: GraphQLField<unknown, unknown>, argument?: GraphQLArgument, literal = ''): string {
  const list = args
    .filter((candidate) => isRequiredArgument(candidate) || candidate === argument)
    .map((passed) => `${passed.name}: ${passed === argument ? literal : toLiteral(passed.type)}`);
  return list.length === 0 ? name : `${name}(${list.join(', ')})`;
}

/** For each object type, creates the shortest document with a selection of that type. */
const documents = new Map<string, (selection: string) => string>();
for (const operation of ['query', 'mutation', 'subscription']) {
  const root = types.find(({ name }) => name.toLowerCase() === operation);
  if (root !== undefined) documents.set(root.name, (selection) => `${operation} { ${selection} }`);
}
for (const [name, toDocument] of documents) {
  const type = schema.getType(name);
  for (const field of isObjectType(type) ? Object.values(type.getFields()) : []) {
    const next = getNamedType(field.type);
    if (!documents.has(next.name))
      documents.set(next.name, (selection) => toDocument(`${toCall(field)} { ${selection} }`));
  }
}

interface FieldPosition {
  readonly type: GraphQLObjectType;
  readonly toDocument: (selection: string) => string;
  readonly field: GraphQLField<unknown, unknown>;
}

const fields: readonly FieldPosition[] = [...documents].flatMap(([name, toDocument]) => {
  const type = schema.getType(name);
  return isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ type, toDocument, field })) : [];
});
const toSelection = ({ type }: GraphQLField<unknown, unknown>) =>
  isCompositeType(getNamedType(type)) ? ' { __typename }' : '';
const inputTypes = types.filter(isInputType).filter(({ name }) => !name.startsWith('__'));

/** A position of an input value. */
interface ValuePosition {
  readonly type: GraphQLInputType;
  /** Creates a document with a literal or variable at the position. `variable` declares the variable. */
  readonly write: (value: string, variable?: string) => string;
}
const seen = new Set<GraphQLInputType>();
const values: readonly ValuePosition[] = fields.flatMap(({ toDocument, field }) =>
  field.args.flatMap((argument) => {
    const write = (value: string, variable = '') => {
      const document = toDocument(`${toCall(field, argument, value)}${toSelection(field)}`);
      return variable === '' ? document : document.replace('{', `(${variable}) {`);
    };
    return [{ type: argument.type, write }, ...toNestedPositions(argument.type, write)];
  }),
);

function toNestedPositions(type: GraphQLInputType, write: ValuePosition['write']): ValuePosition[] {
  const named = getNamedType(type);
  // Once for each type: the messages do not depend on its position.
  if (!isInputObjectType(named) || seen.has(named)) return [];
  seen.add(named);
  const inputFields = Object.values(named.getFields());
  return inputFields.flatMap((field) => {
    const siblings = inputFields
      .filter((other) => isRequiredInputField(other) && other !== field)
      .map((other) => `${other.name}: ${toLiteral(other.type)}`);
    const writeField: ValuePosition['write'] = (value, variable) =>
      write(`{ ${[...siblings, `${field.name}: ${value}`].join(', ')} }`, variable);
    return [{ type: field.type, write: writeField }, ...toNestedPositions(field.type, writeField)];
  });
}

const inputObjects = inputTypes.filter(isInputObjectType);
const wrongLiterals = ['1', '0.5', '"x"', 'X', 'true', 'null', '{}', '{ q: 1 }', '[]', '[1]', '99999999999'];

/** Invalid requests, by kind of error. */
const invalidRequests: readonly (readonly [kind: string, requests: readonly Request[]])[] = [
  [
    'unknown fields',
    fields.flatMap(({ toDocument, field }) =>
      misspell(field.name).flatMap((name) => [
        { query: toDocument(name) },
        { query: toDocument(toCall({ ...field, name }) + toSelection(field)) },
      ]),
    ),
  ],
  [
    'unknown arguments',
    fields.flatMap(({ toDocument, field }) =>
      field.args.flatMap(({ name }) =>
        misspell(name).map((unknown) => ({ query: toDocument(`${field.name}(${unknown}: 1)${toSelection(field)}`) })),
      ),
    ),
  ],
  [
    'missing arguments',
    fields.map(({ toDocument, field }) => ({ query: toDocument(`${field.name}${toSelection(field)}`) })),
  ],
  ['missing selections', fields.map(({ toDocument, field }) => ({ query: toDocument(toCall(field)) }))],
  [
    'unknown fields in nested selections',
    fields.map(({ toDocument, field }) => ({ query: toDocument(`${toCall(field)} { ... @include(if: true) { q } }`) })),
  ],
  [
    'conflicting fields',
    fields.flatMap(({ toDocument, type, field }) =>
      Object.values(type.getFields())
        .slice(-4)
        .map((other) => ({
          query: toDocument(`a: ${toCall(field)}${toSelection(field)} a: ${toCall(other)}${toSelection(other)}`),
        })),
    ),
  ],
  [
    'unknown input fields',
    values.flatMap(({ type, write }) => {
      const named = getNamedType(type);
      return isInputObjectType(named)
        ? Object.keys(named.getFields()).flatMap((name) =>
            misspell(name).map((unknown) => ({ query: write(`{ ${unknown}: 1 }`) })),
          )
        : [];
    }),
  ],
  [
    'unknown enum values',
    values.flatMap(({ type, write }) => {
      const named = getNamedType(type);
      return isEnumType(named)
        ? named
            .getValues()
            .flatMap(({ name }) =>
              misspell(name).flatMap((unknown) => [{ query: write(unknown) }, { query: write(`"${unknown}"`) }]),
            )
        : [];
    }),
  ],
  [
    'literals of the wrong type',
    values.flatMap(({ write }, turn) => takeSixth(wrongLiterals, turn).map((value) => ({ query: write(value) }))),
  ],
  [
    'variables in positions of another type',
    values.flatMap(({ write }, turn) =>
      takeSixth(
        inputTypes.flatMap(({ name }) => [`$q: ${name}`, `$q: [${name}!]`]),
        turn,
      ).map((variable) => ({ query: write('$q', variable) })),
    ),
  ],
  [
    'unknown types',
    types.flatMap(({ name }) =>
      misspell(name).flatMap((unknown) => [
        { query: `query ($q: ${unknown}) { __typename }` },
        { query: `{ ... on ${unknown} { __typename } }` },
        { query: `{ ...Q } fragment Q on ${unknown} { __typename }` },
      ]),
    ),
  ],
  [
    'types in invalid positions',
    types
      .filter(({ name }) => !name.startsWith('__'))
      .flatMap(({ name }) => [
        { query: `query ($q: ${name}) { __typename }` },
        { query: `{ environments { ... on ${name} { q } ...Q } } fragment Q on ${name} { q }` },
        { query: `query ($q: ${name}!) { environments @include(if: $q) { id } }`, variables: {} },
      ]),
  ],
  [
    'unknown directives and directive arguments',
    schema
      .getDirectives()
      .flatMap(({ name, args }) => [
        ...misspell(name).map((unknown) => ({ query: `{ __typename @${unknown} }` })),
        { query: `{ __typename @${name} }` },
        { query: `query @${name}(q: 1) { __typename }` },
        ...args.flatMap((argument) =>
          misspell(argument.name).map((unknown) => ({ query: `{ __typename @${name}(${unknown}: 1) }` })),
        ),
      ]),
  ],
  [
    'invalid variables of an invalid document',
    inputObjects.flatMap((type) => {
      const query = `query ($q: ${type.name}!) { ...Q @include(if: $q) } fragment Q on Query { __typename }`;
      return [
        { query, variables: {} },
        { query, variables: { q: {} } },
        { query, variables: { q: 1 } },
        ...Object.keys(type.getFields()).flatMap((name) => [
          { query, variables: { q: { [name]: {} } } },
          { query, variables: { q: { [name]: null } } },
          ...misspell(name).map((unknown) => ({ query, variables: { q: { [unknown]: 1 } } })),
        ]),
      ];
    }),
  ],
  [
    'invalid variables of a valid document',
    values.flatMap(({ type, write }) => {
      const query = write('$q', `$q: ${type.toString()}`);
      const named = getNamedType(type);
      const inputFields = isInputObjectType(named) ? Object.keys(named.getFields()) : [];
      return [
        ...[{}, null, 'q', 0.5, [], [null], [{}], true].map((q) => ({ query, variables: { q } })),
        ...inputFields
          .flatMap((name) => [{ [name]: {} }, { [name]: null }, ...misspell(name).map((unknown) => ({ [unknown]: 1 }))])
          .map((q) => ({ query, variables: { q } })),
        ...(isEnumType(named) ? named.getValues() : []).flatMap(({ name }) =>
          misspell(name).map((q) => ({ query, variables: { q } })),
        ),
      ];
    }),
  ],
  [
    'introspection',
    [
      '{ __schema { types { name } } }',
      '{ __type(name: "Vpc") { name } }',
      '{ ...Q } fragment Q on Query { a: __schema { q } }',
    ].map((query) => ({ query })),
  ],
  [
    'definitions that are not executable',
    types.map(({ name }) => ({ query: `type ${name} { q: Int } { __typename }` })),
  ],
  ['syntax errors', [...names].map((name) => ({ query: `{ ${name}( }` }))],
];

// Words of the messages themselves that are names of the schema too. Messages quote every name, so these are exempt outside quotes only.
const messageWords = new Set(['field', 'fields', 'input', 'type', 'value']);

/** Throws if a message contains a name of the schema that the request does not. */
function expectMasked(request: Request, body: unknown): void {
  const sent = toWords(JSON.stringify(request));
  const leaked = toMessages(body)
    .flatMap((message) => message.split('"').map((text, index) => ({ text, isQuoted: index % 2 === 1 })))
    .flatMap(({ text, isQuoted }) => [...toWords(text)].filter((word) => isQuoted || !messageWords.has(word)))
    .filter((word) => names.has(word) && !sent.has(word));
  if (leaked.length > 0)
    throw new Error(`${JSON.stringify(request)} reveals ${leaked.join(', ')}: ${JSON.stringify(body)}`);
}

/** Returns the messages of the errors in a response. */
function toMessages(body: unknown): string[] {
  const errors =
    typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors) ? body.errors : [];
  return errors.map((error: unknown) =>
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '',
  );
}

const headers = keyHeader('some-key');
const upstream = await startUpstream();
let gateway: ListeningProcess;

beforeAll(async () => {
  gateway = await launchGateway({
    CLOUDCA_API_URL: upstream.url,
    INTROSPECTION: 'false',
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'silent',
  });
});

describe('Error messages with introspection off', () => {
  it.each(invalidRequests)('reveal no name of the schema: %s', async (_kind, requests) => {
    expect(requests.length).toBeGreaterThan(2);
    const pending = [...requests];
    const statuses = new Set<number>();
    const sendAll = async () => {
      for (let request = pending.pop(); request !== undefined; request = pending.pop()) {
        const { status, json } = await post(gateway.url, request, headers);
        statuses.add(status);
        // A request that happens to be valid is executed.
        if (status !== 200) expectMasked(request, json);
      }
    };
    await Promise.all(Array.from({ length: 8 }, sendAll));
    expect([...statuses].filter((status) => status !== 200)).toEqual([400]);
  });

  it('reveal no name of the schema: invalid subscriptions', async () => {
    const queries = [
      ...fields
        .filter(({ type }) => type.name === 'Subscription')
        .flatMap(({ toDocument, field }) => [
          toDocument(field.name),
          toDocument(`${field.name} { q }`),
          toDocument(toCall(field)),
          ...misspell(field.name).map((name) => toDocument(name)),
        ]),
      'subscription { __schema { types { name } } }',
      'subscription { taskUpdated(id: "x") { id } a: taskUpdated(id: "y") { id } }',
      'query { __schema { types { name } } }',
    ];
    const bare = await openAcknowledgedSocket(gateway.url, 'some-key');
    for (const [index, query] of queries.entries()) {
      bare.send({ type: 'subscribe', id: String(index), payload: { query } });
      await bare.waitForMessages(index + 2);
      const message = bare.messages[index + 1];
      expect(message).toEqual({ type: 'error', id: String(index), payload: expect.any(Array) });
      const payload = typeof message === 'object' && message !== null && 'payload' in message ? message.payload : [];
      expectMasked({ query }, { errors: payload });
      const accept = { ...headers, accept: 'text/event-stream' };
      const { status, json } = await post(`${gateway.url}/stream`, { query }, accept);
      expect(status).toBe(400);
      expectMasked({ query }, json);
    }
  });
});

describe('Invalid requests with introspection off', () => {
  it('cause no write', () => {
    // Some of them happen to be valid reads: GraphQL coerces a number to an ID, and a value to a list of one item.
    for (const { method } of upstream.calls) expect(method).toBe('GET');
  });

  it.each([
    ['{ environment { id } }', 'Unknown field "environment".'],
    ['{ task { id } }', 'Field "task" lacks a required argument.'],
    ['{ environments }', 'Field "environments" requires a selection of subfields.'],
    ['{ environments { id { x } } }', 'Field "id" must not have a selection.'],
    ['{ task(ide: 1, id: "x") { id } }', 'Unknown argument "ide".'],
    ['query ($v: Strin) { __typename }', 'Unknown type "Strin".'],
    ['query ($v: Task) { __typename }', 'Variable "$v" must be of an input type.'],
    ['query ($v: Int) { task(id: $v) { id } }', 'Variable "$v" has the wrong type for its position.'],
    ['{ task(id: $v) { id } }', 'Variable "$v" is not defined.'],
    ['query ($v: Int) { __typename }', 'Variable "$v" is never used.'],
    ['{ vpcs(environment: { name: "x" }) { totalCount } }', 'A required input field is missing.'],
    ['{ vpcs(environment: { serviceCod: "x" }) { totalCount } }', 'Unknown input field "serviceCod".'],
    ['{ task(id: 0.5) { id } }', 'Invalid value.'],
    [
      '{ siteToSiteVpns(environment: { serviceCode: "x", name: "x" }, filter: { states: X }) { totalCount } }',
      'Invalid value.',
    ],
    ['{ ...F } fragment F on Task { id }', 'Fragment "F" cannot be spread here: its type never occurs here.'],
    ['{ ... on Task { id } }', 'The fragment cannot be spread here: its type never occurs here.'],
    ['{ ...F } fragment F on String { id }', 'Fragment "F" has a type without fields.'],
    ['{ ... on String { id } }', 'The fragment has a type without fields.'],
    ['{ ...F }', 'Unknown fragment "F".'],
    ['{ ...F } fragment F on Query { ...F }', 'Cannot spread fragment "F" within itself.'],
    ['{ __typename } fragment F on Query { __typename }', 'Fragment "F" is never used.'],
    ['{ __typename @includ }', 'Unknown directive "@includ".'],
    ['{ __typename @include }', 'Directive "@include" lacks a required argument.'],
    ['query @include(if: true) { __typename }', 'Directive "@include" must not be used here.'],
    ['{ __typename @skip(if: true) @skip(if: true) }', 'Directive "@skip" can only be used once here.'],
    ['{ a: task(id: "x") { id } a: environments { id } }', 'Fields "a" conflict. Use different aliases.'],
    ['{ task(id: "x", id: "y") { id } }', 'There can be only one "id".'],
    ['{ __typename } query Q { __typename }', 'An anonymous operation must be the only operation of the document.'],
    ['type A { b: Int } { __typename }', 'Only operations and fragments are executable.'],
    ['{ __schema { types { name } } }', 'Introspection is disabled.'],
  ])('are rejected with what the client sent: %s', async (query, message) => {
    const { json } = await post(gateway.url, { query }, headers);
    expect(toMessages(json)).toContain(message);
  });

  it('are rejected with the paths of invalid variables', async () => {
    const query = `query ($environment: EnvironmentInput!, $filter: SiteToSiteVpnFilter) {
      siteToSiteVpns(environment: $environment, filter: $filter) { totalCount }
    }`;
    const variables = { environment: { name: null, x: 1 }, filter: { states: ['X'] } };
    const { json } = await post(gateway.url, { query, variables }, headers);
    expect(toMessages(json)).toEqual([
      'The variables are invalid: $environment lacks a required field; $environment.name must not be null; ' +
        '$environment has an unknown field; $filter.states.0 has an invalid value.',
    ]);
  });
});
