// The schema keeps the contract, and describes each of its parts.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  validateSchema,
} from 'graphql';
import { createSchema, toSchemaText } from '../../src/graph/schema.js';

const root = new URL('../../', import.meta.url);
const schema = createSchema();
const contract = buildSchema(await readFile(new URL('test/graph/contract.graphql', root), 'utf8'));

/** Returns the arguments and input fields of a type with their coordinates. */
function inputsOf(type: GraphQLNamedType): [string, GraphQLInputField | GraphQLArgument][] {
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field]);
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) =>
    field.args.map((arg): [string, GraphQLArgument] => [`${type.name}.${field.name}(${arg.name}:)`, arg]),
  );
}

type Described = [coordinate: string, description: string | null | undefined];

/** Returns the description of a type and of each of its members, with coordinates. */
function describedPartsOf(type: GraphQLNamedType): Described[] {
  const members: readonly { name: string; description: string | null | undefined }[] = isEnumType(type)
    ? type.getValues()
    : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
      ? Object.values(type.getFields())
      : [];
  return [
    [type.name, type.description],
    ...members.map((member): Described => [`${type.name}.${member.name}`, member.description]),
    ...inputsOf(type).map(([coordinate, { description }]): Described => [coordinate, description]),
  ];
}

const ownTypes = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

describe('Schema', () => {
  it('is valid', () => {
    expect(validateSchema(createSchema())).toEqual([]);
  });

  it('has no breaking change against the contract', () => {
    const breaking = findBreakingChanges(contract, schema).map(({ description }) => description);
    expect(breaking).toEqual([]);
  });

  it('has each default value of the contract', () => {
    const defaults = Object.values(contract.getTypeMap()).flatMap(inputsOf);
    const own = new Map(Object.values(schema.getTypeMap()).flatMap(inputsOf));
    expect(defaults.length).toBeGreaterThan(0);
    for (const [coordinate, { defaultValue }] of defaults) {
      expect({ coordinate, defaultValue: own.get(coordinate)?.defaultValue }).toEqual({ coordinate, defaultValue });
    }
  });

  it('describes every type, field, argument and enum value', () => {
    const undescribed = ownTypes.flatMap(describedPartsOf).filter(([, description]) => !description?.trim());
    expect(undescribed.map(([coordinate]) => coordinate)).toEqual([]);
  });

  it('equals schema.graphql', async () => {
    expect(toSchemaText(schema)).toBe(await readFile(new URL('schema.graphql', root), 'utf8'));
  });
});
