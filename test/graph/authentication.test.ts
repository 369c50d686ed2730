// Who is asked for a key, and when: every root field, before anything else; introspection and __typename never.
import { describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { rootFields, toOperation } from './root-fields.js';
import { at, failure, requestId, startOnSandbox } from './graph-client.js';

const graph = await startOnSandbox();

const missing = 'Send your API key in the MC-Api-Key header.';
const fields = [
  ...rootFields('Query').map((field) => ({ kind: 'query' as const, name: field.name, field })),
  ...rootFields('Mutation').map((field) => ({ kind: 'mutation' as const, name: field.name, field })),
];

describe.each(fields)('$kind $name', ({ kind, name, field }) => {
  const refused = { data: { [name]: null }, errors: [failure('UNAUTHENTICATED', [name], missing)] };

  it.each([
    ['no key', null],
    ['an empty key', ''],
    ['a key of spaces', ' \t '],
  ])('is UNAUTHENTICATED with %s, without a REST call', async (_, key) => {
    const { query, variables } = toOperation(kind, field);
    expect(await graph.ask(query, variables, key)).toEqual(refused);
    expect(graph.calls()).toEqual([]);
  });

  it('is UNAUTHENTICATED before its arguments are looked at', async () => {
    const { query, variables } = toOperation(kind, field, { serviceCode: '..', name: '', organizationId: '/' });
    const ids = 'id' in variables ? { id: 'no UUID' } : {};
    expect(await graph.ask(query, { ...variables, ...ids }, null)).toEqual(refused);
    expect(graph.calls()).toEqual([]);
  });

  it('is UNAUTHENTICATED where the REST API does not know the key', async () => {
    const { query, variables } = toOperation(kind, field);
    expect(await graph.ask(query, variables, 'unknown-key')).toEqual({
      data: { [name]: null },
      errors: [
        failure('UNAUTHENTICATED', [name], 'The REST API does not accept this API key.', {
          upstream: { status: 401, errors: [{ code: '1001', message: 'The API key is missing or unknown.' }] },
        }),
      ],
    });
    expect(graph.calls()).toHaveLength(1);
  });
});

describe.each(rootFields('Mutation').map(({ name }) => name))('mutation %s', (name) => {
  it('is FORBIDDEN with a key that may only read', async () => {
    const field = rootFields('Mutation').find((each) => each.name === name);
    if (field === undefined) throw new TypeError(`There is no ${name}.`);
    const { query, variables } = toOperation('mutation', field);
    expect(await graph.ask(query, variables, 'read-only-key')).toEqual({
      data: { [name]: null },
      errors: [
        failure('FORBIDDEN', [name], 'This API key is not allowed to do that.', {
          upstream: { status: 403, errors: [{ code: '1002', message: 'The API key may only read.' }] },
        }),
      ],
    });
    expect(graph.calls()).toHaveLength(1);
  });
});

describe('without a key', () => {
  it('there is __typename', async () => {
    expect(await graph.ask('{ __typename }', {}, null)).toEqual({ data: { __typename: 'Query' } });
    expect(await graph.ask('mutation { __typename }', {}, null)).toEqual({ data: { __typename: 'Mutation' } });
    expect(graph.calls()).toEqual([]);
  });

  it('there is introspection', async () => {
    const body = await graph.ask(getIntrospectionQuery(), {}, null);
    expect(at(body, 'errors')).toBeUndefined();
    expect(at(body, 'data', '__schema', 'queryType')).toEqual({ name: 'Query', kind: 'OBJECT' });
    expect(await graph.ask('{ __type(name: "Vpc") { name } }', {}, null)).toEqual({
      data: { __type: { name: 'Vpc' } },
    });
    expect(graph.calls()).toEqual([]);
  });

  it('each root field fails, and what needs no key beside it stands', async () => {
    expect(await graph.ask('{ __typename a: environments { id } b: environments { id } }', {}, null)).toEqual({
      data: { __typename: 'Query', a: null, b: null },
      errors: [failure('UNAUTHENTICATED', ['a'], missing), failure('UNAUTHENTICATED', ['b'], missing)],
    });
  });

  it('variables that do not fit are told all the same: no root field is reached', async () => {
    const { status, body } = await graph.send('query ($id: ID!) { task(id: $id) { id } }', {}, null);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        errors: [
          {
            message: 'The variables do not fit: $id of type ID! is missing or null.',
            extensions: { code: 'BAD_USER_INPUT', requestId },
          },
        ],
      },
    });
  });
});
