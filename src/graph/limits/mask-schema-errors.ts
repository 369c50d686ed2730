// Masks messages of validation errors if introspection is off: they name only what the client sent, never another part of the schema.

// Forms of graphql-js's messages, and the masked message of each. A quoted name that a form captures is one that the client sent.
const maskedForms: readonly (readonly [form: RegExp, masked: string])[] = [
  [/^Cannot query field "(\w+)" on type /, 'Unknown field "$1".'],
  [/^Unknown argument "(\w+)" on /, 'Unknown argument "$1".'],
  [/^Unknown directive "@(\w+)"\.$/, 'Unknown directive "@$1".'],
  [/^Directive "@(\w+)" may not be used on /, 'Directive "@$1" must not be used here.'],
  [/^Unknown type "(\w+)"\./, 'Unknown type "$1".'],
  [/^Unknown fragment "(\w+)"\.$/, 'Unknown fragment "$1".'],
  [/^Field "(\w+)" is not defined by type /, 'Unknown input field "$1".'],
  [/^Field "(\w+)" argument "\w+" of type .* is required/, 'Field "$1" lacks a required argument.'],
  [/^Directive "@(\w+)" argument "\w+" of type .* is required/, 'Directive "@$1" lacks a required argument.'],
  [/^Field "[\w.]+" of required type .* was not provided\.$/, 'A required input field is missing.'],
  [/^Field "(\w+)" of type .* must have /, 'Field "$1" requires a selection of subfields.'],
  [/^Field "(\w+)" must not have a selection /, 'Field "$1" must not have a selection.'],
  [/^Fragment "(\w+)" cannot be spread here /, 'Fragment "$1" cannot be spread here: its type never occurs here.'],
  [/^Fragment "(\w+)" cannot condition on /, 'Fragment "$1" has a type without fields.'],
  [/^Fragment cannot condition on /, 'The fragment has a type without fields.'],
  [/^Fragment cannot /, 'The fragment cannot be spread here: its type never occurs here.'],
  [/^Cannot spread fragment "(\w+)" within itself/, 'Cannot spread fragment "$1" within itself.'],
  [/^Fragment "(\w+)" is never used\.$/, 'Fragment "$1" is never used.'],
  [/^Variable "\$(\w+)" cannot be /, 'Variable "$$$1" must be of an input type.'],
  [/^Variable "\$(\w+)" of type /, 'Variable "$$$1" has the wrong type for its position.'],
  [/^Variable "\$(\w+)" is not defined/, 'Variable "$$$1" is not defined.'],
  [/^Variable "\$(\w+)" is never used/, 'Variable "$$$1" is never used.'],
  [/^Fields "(\w+)" conflict /, 'Fields "$1" conflict. Use different aliases.'],
  [/^There can be only one .*"([$@]?\w+)"\.$/, 'There can be only one "$1".'],
  [/^The directive "@(\w+)" can only be used once /, 'Directive "@$1" can only be used once here.'],
  [/^This anonymous operation must be /, 'An anonymous operation must be the only operation of the document.'],
  [/ must select only one top level field\.$/, 'A subscription must select only one root field.'],
  [/^The .* definition is not executable\.$/, 'Only operations and fragments are executable.'],
  [/^(Expected value of type |Value "|Enum "|\w+ cannot represent )/, 'Invalid value.'],
];

/** Masks one of graphql-js's validation messages: returns a message that names nothing of the schema that the client did not send. */
export function maskValidationMessage(message: string): string {
  for (const [form, masked] of maskedForms) {
    const match = form.exec(message);
    if (match !== null) return match[0].replace(form, masked);
  }
  return 'The document is invalid here.';
}
