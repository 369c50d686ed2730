// Which environment an operation works in, as callers send it.
import { IsOptional } from 'class-validator';
import { LRUCache } from 'lru-cache';
import { Field, ID, InputType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { isSameEnvironment, toEnvironmentKey } from '../loaders.js';
import { refuseInvalid } from '../user-error.js';
import { IsPathSegment } from '../validators.js';

/** Which environment a request works in. */
@InputType({ description: 'Which environment a request works in. Send the same value along with every operation.' })
export class EnvironmentInput {
  /** Code of the service connection. */
  @Field(() => String, { description: 'Code of the service connection, e.g. compute-on or compute-qc.' })
  @IsPathSegment('The serviceCode')
  declare serviceCode: string;

  /** Name of the environment. */
  @Field(() => String, { description: 'Name of the environment, e.g. test_area.' })
  @IsPathSegment('The name of the environment')
  declare name: string;

  /** Id of a sub-organization. */
  @Field(() => ID, {
    nullable: true,
    description: "Only to work in an organization other than the caller's own: that sub-organization's id.",
  })
  @IsOptional()
  @IsPathSegment('The organizationId')
  declare organizationId?: string | null;
}

/** The environment in the REST API's terms. */
export function toAddress({ serviceCode, name, organizationId }: EnvironmentInput): EnvironmentAddress {
  return { serviceCode, name, organizationId: organizationId ?? null };
}

/** The same for a read, once it has been found good. Throws BadUserInputError with everything that is wrong with it. */
export function readAddress(input: EnvironmentInput): EnvironmentAddress {
  const address = toAddress(input);
  const key = toEnvironmentKey(address);
  const known = foundGood.get(key);
  // What has not been checked may have another one's key.
  if (known !== undefined && isSameEnvironment(known, address)) return known;
  refuseInvalid(input);
  foundGood.set(key, address);
  return address;
}

// By their keys, those that were found good last: apps name the same few over and over, and class-validator looks up its rules for each anew.
// In characters of the keys: a name may be as long as a request.
const foundGood = new LRUCache<string, EnvironmentAddress>({
  maxSize: 100_000,
  maxEntrySize: 1_000,
  sizeCalculation: (_address, key) => key.length,
});

/** The same of a subscription's arguments, which come as plain objects. Throws BadUserInputError. */
export function toFollowedAddress(plain: EnvironmentInput): EnvironmentAddress {
  return readAddress(Object.assign(new EnvironmentInput(), plain));
}
