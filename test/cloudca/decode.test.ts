// Decoding of single fields: every type of field with every form of value.
import { describe, expect, it } from '@jest/globals';
import { type LenientForm, WireFields, type WireWarning } from '../../src/cloudca/decode.js';

type FieldReader = (fields: WireFields) => unknown;

const readers: Readonly<Record<string, FieldReader>> = {
  string: (fields) => fields.string('f'),
  id: (fields) => fields.id('f'),
  optionalString: (fields) => fields.optionalString('f'),
  optionalId: (fields) => fields.optionalId('f'),
  optionalBoolean: (fields) => fields.optionalBoolean('f'),
  optionalInteger: (fields) => fields.optionalInteger('f'),
  optionalObject: (fields) => fields.optionalObject('f')?.string('s') ?? null,
};

/** A form of a value, and the readers that read it: as it is (`same`), or as another value. */
interface FormCase {
  readonly value: unknown;
  readonly same?: readonly string[];
  readonly lenient?: Readonly<Record<string, readonly [value: unknown, form: LenientForm]>>;
}

const texts = ['string', 'id', 'optionalString', 'optionalId'];
const asId = (digits: string) => ({ id: [digits, 'id_as_number'], optionalId: [digits, 'id_as_number'] }) as const;
const asInteger = (integer: number) => ({ optionalInteger: [integer, 'number_as_text'] }) as const;
const asBoolean = (boolean: boolean) => ({ optionalBoolean: [boolean, 'boolean_as_text'] }) as const;

const forms: readonly FormCase[] = [
  { value: 'text', same: texts },
  { value: '', same: texts },
  { value: ' ', same: texts },
  { value: '86400', same: texts, lenient: asInteger(86_400) },
  { value: ' 86400 ', same: texts, lenient: asInteger(86_400) },
  { value: '-1', same: texts, lenient: asInteger(-1) },
  { value: '3600.0', same: texts, lenient: asInteger(3_600) },
  { value: '2147483647', same: texts, lenient: asInteger(2_147_483_647) },
  { value: '2147483648', same: texts },
  { value: '1.5', same: texts },
  { value: '1e3', same: texts },
  { value: '0x10', same: texts },
  { value: '9'.repeat(400), same: texts },
  { value: '86400 s', same: texts },
  { value: 'true', same: texts, lenient: asBoolean(true) },
  { value: 'False', same: texts, lenient: asBoolean(false) },
  { value: ' TRUE ', same: texts, lenient: asBoolean(true) },
  { value: 'yes', same: texts },
  { value: 'constructor', same: texts },
  { value: 0, same: ['optionalInteger'], lenient: asId('0') },
  { value: 7, same: ['optionalInteger'], lenient: asId('7') },
  { value: 2_147_483_648, lenient: asId('2147483648') },
  { value: 2 ** 53 },
  { value: 1.5 },
  { value: 1e300 },
  { value: true, same: ['optionalBoolean'] },
  { value: false, same: ['optionalBoolean'] },
  { value: ['text'] },
  { value: [7] },
  { value: {} },
];

const isRequired = (reader: string) => !reader.startsWith('optional');

function read(reader: string, value: unknown): { readonly result: unknown; readonly warnings: readonly WireWarning[] } {
  const warnings: WireWarning[] = [];
  const fields = new WireFields({ f: value }, 'type', (warning) => warnings.push(warning));
  let result: unknown;
  try {
    result = readers[reader]?.(fields);
  } catch (error) {
    result = error instanceof Error ? `${error.name}: ${error.message}` : error;
  }
  return { result, warnings };
}

const cases = Object.keys(readers).flatMap((reader) => forms.map((form) => [reader, form.value, form] as const));
const bad = 'BadResponseError: The REST API sent a type whose f is not a string.';

describe('WireFields', () => {
  it.each(cases.filter(([reader, value]) => reader !== 'optionalObject' || !isEmptyObject(value)))(
    '%s reads %j as documented, in the other form that means the same, or not at all',
    (reader, value, { same = [], lenient = {} }) => {
      const [other, form] = lenient[reader] ?? [];
      const { result, warnings } = read(reader, value);
      if (same.includes(reader)) expect({ result, warnings }).toEqual({ result: value, warnings: [] });
      else if (form !== undefined) {
        expect({ result, warnings }).toEqual({
          result: other,
          warnings: [{ field: 'type.f', problem: expect.any(String), form }],
        });
      } else if (isRequired(reader)) expect({ result, warnings }).toEqual({ result: bad, warnings: [] });
      else {
        expect({ result, warnings }).toEqual({
          result: null,
          warnings: [{ field: 'type.f', problem: 'of the wrong type, read as null' }],
        });
      }
    },
  );

  it.each(Object.keys(readers).flatMap((reader) => [null, undefined].map((value) => [reader, value] as const)))(
    '%s takes %j for absent, without a warning',
    (reader, value) => {
      expect(read(reader, value)).toEqual({ result: isRequired(reader) ? bad : null, warnings: [] });
    },
  );

  it('optionalEntity reads null, with a warning, for an object without a field that it requires', () => {
    const warnings: WireWarning[] = [];
    const toEntity = (value: unknown) =>
      new WireFields({ part: value }, 'type', (warning) => warnings.push(warning)).optionalEntity('part', (fields) => ({
        id: fields.id('id'),
        size: fields.optionalInteger('size'),
      }));
    expect(toEntity({ id: 'a', size: '5' })).toEqual({ id: 'a', size: 5 });
    expect(toEntity({ size: 5 })).toBeNull();
    expect(toEntity(7)).toBeNull();
    expect(toEntity(undefined)).toBeNull();
    expect(warnings).toEqual([
      { field: 'type.part.size', problem: expect.any(String), form: 'number_as_text' },
      { field: 'type.part', problem: 'without a required field, read as null' },
      { field: 'type.part', problem: 'of the wrong type, read as null' },
    ]);
  });
});

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value);
}
