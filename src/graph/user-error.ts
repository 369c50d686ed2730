// Errors that the client can fix: failed input validation, and rejections by the REST API. Mutations return them as userErrors, reads
// throw BadUserInputError. Messages never quote a value.
import { validateSync, type ValidationError } from 'class-validator';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { NotFoundError, RejectedError } from '../cloudca/errors.js';
import { BadUserInputError } from './errors.js';
import { existsCheck } from './validators.js';

/** Codes of userErrors. */
export const UserErrorCode = {
  INVALID: 'INVALID',
  NOT_FOUND: 'NOT_FOUND',
  REJECTED: 'REJECTED',
  TAKEN: 'TAKEN',
} as const;
/** A code of a userError. */
export type UserErrorCode = (typeof UserErrorCode)[keyof typeof UserErrorCode];

registerEnumType(UserErrorCode, {
  name: 'UserErrorCode',
  description: 'Why an input is invalid.',
  valuesConfig: {
    INVALID: { description: 'The gateway rejected the value without a call of the REST API.' },
    NOT_FOUND: { description: 'The environment has nothing with that id.' },
    REJECTED: {
      description:
        'The REST API rejected the request for a reason that the gateway cannot place at a field, e.g. a quota.',
    },
    TAKEN: { description: 'Another site-to-site VPN of the environment has this name or gateway.' },
  },
});

/** An error that the client can fix by a change of the input. */
@ObjectType({ simpleResolvers: true, description: 'An error that the client can fix by a change of the input.' })
export class UserError {
  @Field(() => [String], {
    nullable: true,
    description: 'Path to the input field, e.g. ["input", "ipSecPsk"]; null if the error concerns the whole request.',
  })
  declare field: readonly string[] | null;

  @Field(() => String, { description: 'Explanation for a person. Never contains a secret of the input.' })
  declare message: string;

  @Field(() => UserErrorCode, { description: 'Kind of error, for a program.' })
  declare code: UserErrorCode;

  @Field(() => String, { nullable: true, description: 'Code of the REST API, if it sent one.' })
  declare upstreamCode: string | null;
}

/** Validates an input with class-validator. Returns every error, with the path of its field below `path`. */
export function validateInput(input: object, path: readonly string[] = ['input']): readonly UserError[] {
  return validateSync(input, { forbidUnknownValues: false }).flatMap((error) => flatten(error, path));
}

/** Validates the arguments of a read. Throws a BadUserInputError that lists every error. */
export function throwIfInvalid(input: object): void {
  const errors = validateInput(input, []);
  if (errors.length > 0) throw new BadUserInputError(errors.map((error) => error.message).join(' '));
}

function flatten(error: ValidationError, path: readonly string[]): readonly UserError[] {
  const field = [...path, error.property];
  const own = Object.entries(error.constraints ?? {}).map(([check, message]): UserError => {
    const code = check === existsCheck ? UserErrorCode.NOT_FOUND : UserErrorCode.INVALID;
    return { field, message, code, upstreamCode: null };
  });
  return [...own, ...(error.children ?? []).flatMap((child) => flatten(child, field))];
}

/**
 * Converts the rejection of a write by the REST API to userErrors. `field` is the path of the input that a 404 concerns. Returns null for an
 * error that the client cannot fix.
 */
export function toUserErrors(error: unknown, field: readonly string[] | null): readonly UserError[] | null {
  if (error instanceof NotFoundError) {
    const upstreamCode = error.upstream?.errors[0]?.code ?? null;
    return [{ field, message: error.message, code: UserErrorCode.NOT_FOUND, upstreamCode }];
  }
  if (!(error instanceof RejectedError)) return null;
  const entries = error.upstream?.errors ?? [];
  const reasons = entries.length > 0 ? entries : [{ message: error.message, code: null }];
  return reasons.map(({ message, code }) => ({
    field: null,
    message,
    code: UserErrorCode.REJECTED,
    upstreamCode: code,
  }));
}
