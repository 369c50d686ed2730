// Every root field of the schema with the least that it can be asked with: what holds for all of them is tested on all of them.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { createSchema } from '../../src/graph/schema.js';
import { toId } from './graph-client.js';

const schema = createSchema();

/** A field of a root type. */
export type RootField = GraphQLField<unknown, unknown>;

/** The fields of a root type, sorted by name. */
export function rootFields(type: 'Query' | 'Mutation'): RootField[] {
  const root = schema.getType(type);
  if (!isObjectType(root)) throw new TypeError(`The schema has no ${type}.`);
  return Object.values(root.getFields()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The least operation that asks for a field: its required arguments, its environment with some fields put in place of the good ones. */
export function toOperation(
  kind: 'query' | 'mutation',
  field: RootField,
  environment: object = {},
  selection = '__typename',
): { query: string; variables: Record<string, unknown> } {
  const wanted = field.args.filter(isWanted);
  const declared = wanted.map(({ name, type }) => `$${name}: ${type.toString()}`).join(', ');
  const passed = wanted.map(({ name }) => `${name}: $${name}`).join(', ');
  const call = wanted.length === 0 ? field.name : `${field.name}(${passed})`;
  return {
    query: `${kind}${wanted.length === 0 ? '' : ` (${declared})`} { ${call} { ${selection} } }`,
    variables: Object.fromEntries(wanted.map(({ name, type }) => [name, toValue(name, type, environment)])),
  };
}

// Not required by Query.task, and yet what is asked about.
function isWanted({ name, type, defaultValue }: GraphQLArgument): boolean {
  return name === 'environment' || (isNonNullType(type) && defaultValue === undefined);
}

const values: Readonly<Record<string, unknown>> = {
  serviceCode: 'compute-on',
  name: 'test_area',
  id: toId('vpn', 1),
  vpcId: toId('vpc', 1),
  gateway: '203.0.113.7',
  cidr: '10.12.0.0/22',
  ipSecPsk: 'Kz81mPq04LtYvB',
  ikeLifetime: 86400,
  espLifetime: 3600,
};

function toValue(name: string, type: GraphQLInputType, environment: object): unknown {
  const named = getNamedType(type);
  if (isListType(type)) return [];
  if (isEnumType(named)) return named.getValues()[0]?.name;
  if (!isInputObjectType(named)) {
    if (!(name in values)) throw new TypeError(`No value is known for ${name}.`);
    return values[name];
  }
  const required = Object.values(named.getFields()).filter(
    (field) => isNonNullType(field.type) && field.defaultValue === undefined,
  );
  const fields = Object.fromEntries(
    required.map((field) => [field.name, toValue(field.name, field.type, environment)]),
  );
  return named.name === 'EnvironmentInput' ? { ...fields, ...environment } : fields;
}
