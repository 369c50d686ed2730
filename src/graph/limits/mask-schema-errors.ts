// What is told of a document that is not valid where the schema is not for everybody to see: what was sent and is wrong, in words that
// are no names of the schema, and never what would have been right.

// The forms of graphql-js's messages that hold a name of the schema, or a word that is one; a name in quotes is one that was sent.
// A form that is not here is told as nothing but a misfit.
const forms: readonly (readonly [form: RegExp, told: string])[] = [
  [/^Cannot query field "(\w+)" on type /, '"$1" is nothing that can be asked for here.'],
  [/^Unknown argument "(\w+)" on /, '"$1" is no argument here.'],
  [/^Unknown directive "@(\w+)"\.$/, '"@$1" is no directive here.'],
  [/^Directive "@(\w+)" may not be used on /, '"@$1" is no directive here.'],
  [/^Unknown type "(\w+)"\./, '"$1" is not known here.'],
  [/^Unknown fragment "(\w+)"\.$/, 'There is no fragment "$1".'],
  [/^Field "(\w+)" is not defined by type /, '"$1" is not known here.'],
  [/^Field "(\w+)" argument "\w+" of type .* is required/, '"$1" lacks an argument that it requires.'],
  [/^Directive "@(\w+)" argument "\w+" of type .* is required/, '"@$1" lacks an argument that it requires.'],
  [/^Field "[\w.]+" of required type .* was not provided\.$/, 'Something that is required is missing here.'],
  [/^Field "(\w+)" of type .* must have /, '"$1" requires a selection of what is wanted of it.'],
  [/^Field "(\w+)" must not have a selection /, '"$1" takes no selection.'],
  [/^Fragment "(\w+)" cannot be spread here /, 'The fragment "$1" can never apply here.'],
  [/^Fragment "(\w+)" cannot condition on /, 'The fragment "$1" cannot be of what it says.'],
  [/^Fragment cannot /, 'This fragment can never apply here.'],
  [/^Cannot spread fragment "(\w+)" within itself/, 'The fragment "$1" leads to itself.'],
  [/^Fragment "(\w+)" is never used\.$/, 'The fragment "$1" is never used.'],
  [/^Variable "\$(\w+)" cannot be /, 'The variable "$$$1" cannot be of what it says.'],
  [/^Variable "\$(\w+)" of type /, 'The variable "$$$1" does not fit where it is used.'],
  [/^Variable "\$(\w+)" is not defined/, 'The variable "$$$1" is not defined.'],
  [/^Variable "\$(\w+)" is never used/, 'The variable "$$$1" is never used.'],
  [/^Fields "(\w+)" conflict /, '"$1" is asked for in ways that conflict. Use different aliases.'],
  [/^There can be only one .*"([$@]?\w+)"\.$/, '"$1" is there twice.'],
  [/^The directive "@(\w+)" can only be used once /, '"@$1" is there twice.'],
  [/^This anonymous operation must be /, 'An anonymous operation must be the only one.'],
  [/ must select only one top level field\.$/, 'A subscription follows one thing.'],
  [/^Validation aborted\.$/, 'The document is too intricate.'],
];

/** What is told in place of one of graphql-js's messages of validation: no name that was not sent. */
export function toHiddenMessage(message: string): string {
  for (const [form, told] of forms) {
    const found = form.exec(message);
    if (found !== null) return found[0].replace(form, told);
  }
  return 'Something here does not fit.';
}
