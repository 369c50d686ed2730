// The API key: every root field checks it before anything else. Introspection and __typename need none.
import { describe, expect, it } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import { rootFields, toOperation } from './root-fields.js';
import { at, failure, requestId, startOnSandbox } from './graph-client.js';

const graph = await startOnSandbox();

const missingKey = 'The API key is missing or malformed. Send it in the MC-Api-Key header.';
const fields = [
  ...rootFields('Query').map((field) => ({ kind: 'query' as const, name: field.name, field })),
  ...rootFields('Mutation').map((field) => ({ kind: 'mutation' as const, name: field.name, field })),
];

describe.each(fields)('$kind $name', ({ kind, name, field }) => {
  const unauthenticated = { data: { [name]: null }, errors: [failure('UNAUTHENTICATED', [name], missingKey)] };

  it.each([
    ['no key', null],
    ['an empty key', ''],
    ['a key of spaces', ' \t '],
  ])('fails with UNAUTHENTICATED for %s, without a REST call', async (_, key) => {
    const { query, variables } = toOperation(kind, field);
    expect(await graph.execute(query, variables, key)).toEqual(unauthenticated);
    expect(graph.calls()).toEqual([]);
  });

  it('fails with UNAUTHENTICATED before it validates arguments', async () => {
    const { query, variables } = toOperation(kind, field, { serviceCode: '..', name: '', organizationId: '/' });
    const ids = 'id' in variables ? { id: 'no UUID' } : {};
    expect(await graph.execute(query, { ...variables, ...ids }, null)).toEqual(unauthenticated);
    expect(graph.calls()).toEqual([]);
  });

  it('fails with UNAUTHENTICATED if the REST API rejects the key', async () => {
    const { query, variables } = toOperation(kind, field);
    expect(await graph.execute(query, variables, 'unknown-key')).toEqual({
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
  it('fails with FORBIDDEN for a read-only key', async () => {
    const field = rootFields('Mutation').find((mutation) => mutation.name === name);
    if (field === undefined) throw new TypeError(`The schema has no mutation ${name}.`);
    const { query, variables } = toOperation('mutation', field);
    expect(await graph.execute(query, variables, 'read-only-key')).toEqual({
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

describe('Request without a key', () => {
  it('can select __typename', async () => {
    expect(await graph.execute('{ __typename }', {}, null)).toEqual({ data: { __typename: 'Query' } });
    expect(await graph.execute('mutation { __typename }', {}, null)).toEqual({ data: { __typename: 'Mutation' } });
    expect(graph.calls()).toEqual([]);
  });

  it('can introspect the schema', async () => {
    const body = await graph.execute(getIntrospectionQuery(), {}, null);
    expect(at(body, 'errors')).toBeUndefined();
    expect(at(body, 'data', '__schema', 'queryType')).toEqual({ name: 'Query', kind: 'OBJECT' });
    expect(await graph.execute('{ __type(name: "Vpc") { name } }', {}, null)).toEqual({
      data: { __type: { name: 'Vpc' } },
    });
    expect(graph.calls()).toEqual([]);
  });

  it('fails each root field, and returns __typename beside them', async () => {
    expect(await graph.execute('{ __typename a: environments { id } b: environments { id } }', {}, null)).toEqual({
      data: { __typename: 'Query', a: null, b: null },
      errors: [failure('UNAUTHENTICATED', ['a'], missingKey), failure('UNAUTHENTICATED', ['b'], missingKey)],
    });
  });

  it('is rejected for invalid variables first, since no root field is reached', async () => {
    const { status, body } = await graph.send('query ($id: ID!) { task(id: $id) { id } }', {}, null);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        errors: [
          {
            message: 'The variables are invalid: $id of type ID! is missing or null.',
            extensions: { code: 'BAD_USER_INPUT', requestId },
          },
        ],
      },
    });
  });
});
