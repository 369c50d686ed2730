// The fields of the contract, so that a test of every field of a type fails if the contract gets one more.
import { readFile } from 'node:fs/promises';
import { buildSchema, isObjectType } from 'graphql';

const schema = buildSchema(await readFile(new URL('./contract.graphql', import.meta.url), 'utf8'));

/** Returns the names of the fields of an object type, sorted. */
export function fieldsOfContract(name: string): string[] {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new TypeError(`The contract has no object type ${name}.`);
  return Object.keys(type.getFields()).toSorted();
}
