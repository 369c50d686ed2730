// The words for what is wrong with a field. The gateway decides what is wrong: its messages are for developers, and name its inputs.
import type { FormErrorFragment } from '../gql/graphql';
import type { Draft, DraftField } from './draft';
import { isDraftField } from './draft';

const missing: Partial<Readonly<Record<DraftField, string>>> = {
  name: 'Enter a name.',
  vpcId: 'Choose a VPC.',
  gateway: 'Enter the IP address of the remote gateway.',
  cidr: 'Enter the network behind the remote gateway.',
  ipSecPsk: 'Enter a key, or generate one.',
};

const seconds = 'Enter a whole number of seconds, 1 or more.';

const invalid: Partial<Readonly<Record<DraftField, string>>> = {
  name: 'Use at least one letter or digit, on one line.',
  vpcId: 'Choose a VPC from the list.',
  gateway: 'Enter an IP address, e.g. 203.0.113.7. A host name does not work.',
  cidr: 'Enter an address and a prefix length, e.g. 10.40.0.0/16. Separate several by commas.',
  ipSecPsk: 'Use at least 10 letters or digits, without double quotes.',
  ikeLifetime: seconds,
  espLifetime: seconds,
};

const taken: Partial<Readonly<Record<DraftField, string>>> = {
  name: 'Another VPN of this environment has this name. Choose another one.',
  gateway: 'Another VPN of this environment uses this gateway. Enter another one, or delete the other VPN.',
};

/** Messages about the values of a form. */
export interface FormMessages {
  readonly fields: Partial<Readonly<Record<DraftField, string>>>;
  /** Messages about none of its fields, e.g. a quota. */
  readonly others: readonly string[];
}

/** Words the gateway's errors, one per field. */
export function toFormMessages(userErrors: readonly FormErrorFragment[], draft: Draft): FormMessages {
  const fields: Partial<Record<DraftField, string>> = {};
  const others: string[] = [];
  for (const error of userErrors) {
    // `field` is a path, e.g. ["input", "gateway"].
    const name = error.field?.[1];
    if (isDraftField(name)) fields[name] ??= toMessage(name, error, draft);
    else others.push(error.message);
  }
  return { fields, others };
}

function toMessage(name: DraftField, { code, message }: FormErrorFragment, draft: Draft): string {
  switch (code) {
    case 'INVALID':
      return (draft[name] === '' ? missing[name] : invalid[name]) ?? message;
    case 'NOT_FOUND':
      return name === 'vpcId' ? 'This VPC does not exist any more. Choose another one.' : message;
    case 'TAKEN':
      return taken[name] ?? message;
    case 'REJECTED':
      return message;
  }
}
