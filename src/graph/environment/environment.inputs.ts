// EnvironmentInput: its validation, and its conversion to the address that REST calls take.
import { IsOptional } from 'class-validator';
import { Field, ID, InputType } from 'type-graphql';
import type { EnvironmentAddress } from '../../cloudca/environments.js';
import { throwIfInvalid } from '../user-error.js';
import { IsPathSegment, IsShort } from '../validators.js';

/** Names the environment that an operation works in. */
@InputType({ description: 'Environment that an operation works in. Send it with every operation.' })
export class EnvironmentInput {
  @Field(() => String, { description: 'Code of the service connection, e.g. compute-on or compute-qc.' })
  @IsPathSegment('The serviceCode')
  @IsShort('The serviceCode')
  declare serviceCode: string;

  @Field(() => String, { description: 'Name of the environment, e.g. test_area.' })
  @IsPathSegment('The name of the environment')
  @IsShort('The name of the environment')
  declare name: string;

  @Field(() => ID, {
    nullable: true,
    description: "Id of the sub-organization to work in. Absent or null: the caller's own organization.",
  })
  @IsOptional()
  @IsPathSegment('The organizationId')
  @IsShort('The organizationId')
  declare organizationId?: string | null;
}

/** Converts the input to an address, without validation. */
export function toAddress({ serviceCode, name, organizationId }: EnvironmentInput): EnvironmentAddress {
  return { serviceCode, name, organizationId: organizationId ?? null };
}

/** Validates the environment of a query and converts it to an address. Throws a BadUserInputError that lists all violations. */
export function toValidAddress(input: EnvironmentInput): EnvironmentAddress {
  throwIfInvalid(input);
  return toAddress(input);
}

/**
 * Validates the environment of a subscription, whose arguments are plain objects, and converts it to an address. Throws a
 * BadUserInputError that lists all violations.
 */
export function toSubscriptionAddress(plain: EnvironmentInput): EnvironmentAddress {
  return toValidAddress(Object.assign(new EnvironmentInput(), plain));
}
