// With introspection off, what is told of a request that does not fit holds no name of the schema that the request did not send: tried
// for each name with a letter changed, and for each place where graphql-js would say what is missing or expected.
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
import { launchGateway, type ListeningProcess } from '../../helpers/process.js';
import { startUpstream } from '../../helpers/upstream.js';
import { post } from '../../helpers/wire.js';
import { openAcknowledged } from '../../server/subscriptions/subscribers.js';

const schema = createSchema();
const types = Object.values(schema.getTypeMap());
const wordForm = /[_A-Za-z]\w*/g;
const toWords = (text: string) => new Set(text.match(wordForm) ?? []);

/** Every name there is, those of GraphQL's own introspection too. */
const names = new Set<string>([
  ...types.map(({ name }) => name),
  ...types.flatMap((type) => {
    if (isEnumType(type)) return type.getValues().map(({ name }) => name);
    if (isInputObjectType(type)) return Object.keys(type.getFields());
    if (!isObjectType(type)) return [];
    return Object.values(type.getFields()).flatMap(({ name, args }) => [name, ...args.map((each) => each.name)]);
  }),
  ...schema.getDirectives().flatMap(({ name, args }) => [name, ...args.map((each) => each.name)]),
]);

interface Request {
  readonly query: string;
  readonly variables?: object;
}

/** Names that are none: a letter changed at the beginning, in the middle and at the end. */
function misspell(name: string): string[] {
  const change = (index: number) => name.slice(0, index) + (name[index] === 'q' ? 'k' : 'q') + name.slice(index + 1);
  const wrong = [change(0), change(name.length >> 1), change(name.length - 1)];
  return wrong.filter((each) => each !== '' && !names.has(each) && !each.startsWith('__'));
}

/** A literal that fits a type. */
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

function toCall({ name, args }: GraphQLField<unknown, unknown>, instead?: GraphQLArgument, written = ''): string {
  const given = args.filter((each) => isRequiredArgument(each) || each === instead);
  const list = given.map((each) => `${each.name}: ${each === instead ? written : toLiteral(each.type)}`);
  return list.length === 0 ? name : `${name}(${list.join(', ')})`;
}

/** For each object type, a document that selects something of it, the shortest there is. */
const ways = new Map<string, (selection: string) => string>();
for (const operation of ['query', 'mutation', 'subscription']) {
  const root = types.find(({ name }) => name.toLowerCase() === operation);
  if (root !== undefined) ways.set(root.name, (selection) => `${operation} { ${selection} }`);
}
for (const [name, way] of ways) {
  const type = schema.getType(name);
  for (const field of isObjectType(type) ? Object.values(type.getFields()) : []) {
    const next = getNamedType(field.type);
    if (!ways.has(next.name)) ways.set(next.name, (selection) => way(`${toCall(field)} { ${selection} }`));
  }
}

interface Place {
  readonly type: GraphQLObjectType;
  readonly way: (selection: string) => string;
  readonly field: GraphQLField<unknown, unknown>;
}

const fields: readonly Place[] = [...ways].flatMap(([name, way]) => {
  const type = schema.getType(name);
  return isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ type, way, field })) : [];
});
const below = ({ type }: GraphQLField<unknown, unknown>) =>
  isCompositeType(getNamedType(type)) ? ' { __typename }' : '';
const inputTypes = types.filter(isInputType).filter(({ name }) => !name.startsWith('__'));

/** Every place where a value of an input type can be written, as a document that has it there. */
interface ValuePlace {
  readonly type: GraphQLInputType;
  readonly write: (value: string, variable?: string) => string;
}
const seen = new Set<GraphQLInputType>();
const values: readonly ValuePlace[] = fields.flatMap(({ way, field }) =>
  field.args.flatMap((argument) => {
    const write = (value: string, variable = '') => {
      const document = way(`${toCall(field, argument, value)}${below(field)}`);
      return variable === '' ? document : document.replace('{', `(${variable}) {`);
    };
    return [{ type: argument.type, write }, ...within(argument.type, write)];
  }),
);

function within(type: GraphQLInputType, write: ValuePlace['write']): ValuePlace[] {
  const named = getNamedType(type);
  // Once for each type: what is told of a value is the same wherever it stands.
  if (!isInputObjectType(named) || seen.has(named)) return [];
  seen.add(named);
  const all = Object.values(named.getFields());
  return all.flatMap((field) => {
    const others = all.filter((each) => isRequiredInputField(each) && each !== field);
    const inside: ValuePlace['write'] = (value, variable) =>
      write(
        `{ ${[...others.map((each) => `${each.name}: ${toLiteral(each.type)}`), `${field.name}: ${value}`].join(', ')} }`,
        variable,
      );
    return [{ type: field.type, write: inside }, ...within(field.type, inside)];
  });
}

const inputObjects = inputTypes.filter(isInputObjectType);

/** The requests that do not fit, by what is wrong with them. */
const wrong: readonly (readonly [what: string, requests: readonly Request[]])[] = [
  [
    'a field that is none',
    fields.flatMap(({ way, field }) =>
      misspell(field.name).flatMap((name) => [
        { query: way(name) },
        { query: way(toCall({ ...field, name }) + below(field)) },
      ]),
    ),
  ],
  [
    'an argument that is none',
    fields.flatMap(({ way, field }) =>
      field.args.flatMap(({ name }) =>
        misspell(name).map((each) => ({ query: way(`${field.name}(${each}: 1)${below(field)}`) })),
      ),
    ),
  ],
  ['arguments that are missing', fields.map(({ way, field }) => ({ query: way(`${field.name}${below(field)}`) }))],
  ['no selection', fields.map(({ way, field }) => ({ query: way(toCall(field)) }))],
  [
    'an empty selection',
    fields.map(({ way, field }) => ({ query: way(`${toCall(field)} { ... @include(if: true) { q } }`) })),
  ],
  [
    'a field in two ways',
    fields.flatMap(({ way, type, field }) =>
      Object.values(type.getFields())
        .slice(-4)
        .map((other) => ({
          query: way(`a: ${toCall(field)}${below(field)} a: ${toCall(other)}${below(other)}`),
        })),
    ),
  ],
  [
    'a field of an input that is none',
    values.flatMap(({ type, write }) => {
      const named = getNamedType(type);
      return isInputObjectType(named)
        ? Object.keys(named.getFields()).flatMap((name) =>
            misspell(name).map((each) => ({ query: write(`{ ${each}: 1 }`) })),
          )
        : [];
    }),
  ],
  [
    'an enum value that is none',
    values.flatMap(({ type, write }) => {
      const named = getNamedType(type);
      return isEnumType(named)
        ? named
            .getValues()
            .flatMap(({ name }) =>
              misspell(name).flatMap((each) => [{ query: write(each) }, { query: write(`"${each}"`) }]),
            )
        : [];
    }),
  ],
  [
    'a value of another type',
    values.flatMap(({ write }) =>
      ['1', '0.5', '"x"', 'X', 'true', 'null', '{}', '{ q: 1 }', '[]', '[1]', '99999999999'].map((value) => ({
        query: write(value),
      })),
    ),
  ],
  [
    'a variable of another type',
    values.flatMap(({ write }) =>
      inputTypes.map(({ name }, index) => ({ query: write('$q', index % 2 === 0 ? `$q: ${name}` : `$q: [${name}!]`) })),
    ),
  ],
  [
    'a type that is none',
    types.flatMap(({ name }) =>
      misspell(name).flatMap((each) => [
        { query: `query ($q: ${each}) { __typename }` },
        { query: `{ ... on ${each} { __typename } }` },
        { query: `{ ...Q } fragment Q on ${each} { __typename }` },
      ]),
    ),
  ],
  [
    'a type that cannot stand there',
    types
      .filter(({ name }) => !name.startsWith('__'))
      .flatMap(({ name }) => [
        { query: `query ($q: ${name}) { __typename }` },
        { query: `{ environments { ... on ${name} { q } ...Q } } fragment Q on ${name} { q }` },
        { query: `query ($q: ${name}!) { environments @include(if: $q) { id } }`, variables: {} },
      ]),
  ],
  [
    'a directive that is none',
    schema
      .getDirectives()
      .flatMap(({ name, args }) => [
        ...misspell(name).map((each) => ({ query: `{ __typename @${each} }` })),
        { query: `{ __typename @${name} }` },
        { query: `query @${name}(q: 1) { __typename }` },
        ...args.flatMap((argument) =>
          misspell(argument.name).map((each) => ({ query: `{ __typename @${name}(${each}: 1) }` })),
        ),
      ]),
  ],
  [
    'variables that do not fit',
    inputObjects.flatMap((type) => {
      const query = `query ($q: ${type.name}!) { ...Q @include(if: $q) } fragment Q on Query { __typename }`;
      const all = Object.entries(type.getFields());
      return [
        { query, variables: {} },
        { query, variables: { q: {} } },
        { query, variables: { q: 1 } },
        ...all.flatMap(([name]) => [
          { query, variables: { q: { [name]: {} } } },
          { query, variables: { q: { [name]: null } } },
          ...misspell(name).map((each) => ({ query, variables: { q: { [each]: 1 } } })),
        ]),
      ];
    }),
  ],
  [
    'variables that do not fit, in a document that does',
    values.flatMap(({ type, write }) => {
      const query = write('$q', `$q: ${type.toString()}`);
      const named = getNamedType(type);
      const inside = isInputObjectType(named) ? Object.keys(named.getFields()) : [];
      return [
        ...[{}, null, 'q', 0.5, [], [null], [{}], true].map((q) => ({ query, variables: { q } })),
        ...inside
          .flatMap((name) => [{ [name]: {} }, { [name]: null }, ...misspell(name).map((each) => ({ [each]: 1 }))])
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
  ['a document that is not executable', types.map(({ name }) => ({ query: `type ${name} { q: Int } { __typename }` }))],
  ['a document that is not GraphQL', [...names].map((name) => ({ query: `{ ${name}( }` }))],
];

/** Fails where a text that is told holds a name of the schema that the request does not. */
function expectNothingGivenAway(request: Request, body: unknown): void {
  const sent = toWords(JSON.stringify(request));
  const given = toTexts(body).flatMap((text) =>
    [...toWords(text)].filter((word) => names.has(word) && !sent.has(word)),
  );
  if (given.length > 0)
    throw new Error(`${JSON.stringify(request)} is told ${given.join(', ')}: ${JSON.stringify(body)}`);
}

/** The messages of an answer's errors; codes are the contract's own words, ids nobody's. */
function toTexts(body: unknown): string[] {
  const errors =
    typeof body === 'object' && body !== null && 'errors' in body && Array.isArray(body.errors) ? body.errors : [];
  return errors.map((error: unknown) =>
    typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '',
  );
}

const headers = { 'mc-api-key': 'some-key' };
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

describe('With introspection off, no name is given away by', () => {
  it.each(wrong)('%s', async (_what, requests) => {
    expect(requests.length).toBeGreaterThan(2);
    const left = [...requests];
    const statuses = new Set<number>();
    const work = async () => {
      for (let request = left.pop(); request !== undefined; request = left.pop()) {
        const { status, json } = await post(gateway.url, request, headers);
        statuses.add(status);
        // What fits after all is executed.
        if (status !== 200) expectNothingGivenAway(request, json);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    expect([...statuses].filter((status) => status !== 200)).toEqual([400]);
  });

  it('a subscription that does not fit', async () => {
    const queries = [
      ...fields
        .filter(({ type }) => type.name === 'Subscription')
        .flatMap(({ way, field }) => [
          way(field.name),
          way(`${field.name} { q }`),
          way(toCall(field)),
          ...misspell(field.name).map((name) => way(name)),
        ]),
      'subscription { __schema { types { name } } }',
      'subscription { taskUpdated(id: "x") { id } a: taskUpdated(id: "y") { id } }',
      'query { __schema { types { name } } }',
    ];
    const bare = await openAcknowledged(gateway.url, 'some-key');
    for (const [index, query] of queries.entries()) {
      bare.send({ type: 'subscribe', id: String(index), payload: { query } });
      await bare.has(index + 2);
      const message = bare.messages[index + 1];
      expect(message).toEqual({ type: 'error', id: String(index), payload: expect.any(Array) });
      const payload = typeof message === 'object' && message !== null && 'payload' in message ? message.payload : [];
      expectNothingGivenAway({ query }, { errors: payload });
      const accept = { ...headers, accept: 'text/event-stream' };
      const { status, json } = await post(`${gateway.url}/stream`, { query }, accept);
      expect(status).toBe(400);
      expectNothingGivenAway({ query }, json);
    }
  });
});

describe('With introspection off', () => {
  it('nothing is written for a request that does not fit', () => {
    // What fits after all is read: an id for a text, a value for a list of one.
    for (const { method } of upstream.calls) expect(method).toBe('GET');
  });

  it.each([
    ['{ environment { id } }', '"environment" is nothing that can be asked for here.'],
    ['{ task { id } }', '"task" lacks an argument that it requires.'],
    ['{ environments }', '"environments" requires a selection of what is wanted of it.'],
    ['{ environments { id { x } } }', '"id" takes no selection.'],
    ['{ task(ide: 1, id: "x") { id } }', '"ide" is no argument here.'],
    ['query ($v: Strin) { __typename }', '"Strin" is not known here.'],
    ['query ($v: Task) { __typename }', 'The variable "$v" cannot be of what it says.'],
    ['query ($v: Int) { task(id: $v) { id } }', 'The variable "$v" does not fit where it is used.'],
    ['{ task(id: $v) { id } }', 'The variable "$v" is not defined.'],
    ['query ($v: Int) { __typename }', 'The variable "$v" is never used.'],
    ['{ vpcs(environment: { name: "x" }) { totalCount } }', 'Something that is required is missing here.'],
    ['{ vpcs(environment: { serviceCod: "x" }) { totalCount } }', '"serviceCod" is not known here.'],
    ['{ task(id: 0.5) { id } }', 'Something here does not fit.'],
    ['{ ...F } fragment F on Task { id }', 'The fragment "F" can never apply here.'],
    ['{ ... on Task { id } }', 'This fragment can never apply here.'],
    ['{ ...F }', 'There is no fragment "F".'],
    ['{ ...F } fragment F on Query { ...F }', 'The fragment "F" leads to itself.'],
    ['{ __typename } fragment F on Query { __typename }', 'The fragment "F" is never used.'],
    ['{ __typename @includ }', '"@includ" is no directive here.'],
    ['{ __typename @include }', '"@include" lacks an argument that it requires.'],
    [
      '{ a: task(id: "x") { id } a: environments { id } }',
      '"a" is asked for in ways that conflict. Use different aliases.',
    ],
    ['{ task(id: "x", id: "y") { id } }', '"id" is there twice.'],
    ['{ __typename } query Q { __typename }', 'An anonymous operation must be the only one.'],
    ['{ __schema { types { name } } }', 'Introspection is off here.'],
  ])('%s is told by what was sent', async (query, message) => {
    const { json } = await post(gateway.url, { query }, headers);

    expect(toTexts(json)).toContain(message);
  });
});
