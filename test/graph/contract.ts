// What the contract says of a type: so that a test that means every field is found out when there is one more.
import { readFile } from 'node:fs/promises';
import { buildSchema, isObjectType } from 'graphql';

const schema = buildSchema(await readFile(new URL('./contract.graphql', import.meta.url), 'utf8'));

/** The names of a type's fields, sorted. */
export function fieldsOfContract(name: string): string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new TypeError(`The contract has no object type ${name}.`);
  return Object.keys(type.getFields()).toSorted();
}
