// The root fields of the schema, each with a minimal operation, for tests of what all of them have in common.
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
import { numberedId } from '../helpers/fixtures.js';

const schema = createSchema();

export type RootField = GraphQLField<unknown, unknown>;

/** Returns the fields of a root type, sorted by name. */
export function rootFields(type: 'Query' | 'Mutation'): RootField[] {
  const root = schema.getType(type);
  if (!isObjectType(root)) throw new TypeError(`The schema has no ${type}.`);
  return Object.values(root.getFields()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns a minimal operation of a root field, with its required arguments. `environment` overrides fields of the environment. */
export function toOperation(
  kind: 'query' | 'mutation',
  field: RootField,
  environment: object = {},
  selection = '__typename',
): { query: string; variables: Record<string, unknown> } {
  const args = field.args.filter(isIncluded);
  const declared = args.map(({ name, type }) => `$${name}: ${type.toString()}`).join(', ');
  const passed = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const call = args.length === 0 ? field.name : `${field.name}(${passed})`;
  return {
    query: `${kind}${args.length === 0 ? '' : ` (${declared})`} { ${call} { ${selection} } }`,
    variables: Object.fromEntries(args.map(({ name, type }) => [name, toValue(name, type, environment)])),
  };
}

// The environment is optional for Query.task, but tested there too.
function isIncluded({ name, type, defaultValue }: GraphQLArgument): boolean {
  return name === 'environment' || (isNonNullType(type) && defaultValue === undefined);
}

const values: Readonly<Record<string, unknown>> = {
  serviceCode: 'compute-on',
  name: 'test_area',
  id: numberedId('vpn', 1),
  vpcId: numberedId('vpc', 1),
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
    if (!(name in values)) throw new TypeError(`There is no value for ${name}. Add one to the values above.`);
    return values[name];
  }
  const required = Object.values(named.getFields()).filter(
    (field) => isNonNullType(field.type) && field.defaultValue === undefined,
  );
  const fields = Object.fromEntries(
    required.map((field) => [field.name, toValue(field.name, field.type, environment)]),
  );
  if (named.name === 'EnvironmentInput') return { ...fields, ...environment };
  // An update needs an attribute, whichever.
  return named.name === 'UpdateSiteToSiteVpnInput' ? { ...fields, ipSecPsk: values['ipSecPsk'] } : fields;
}
