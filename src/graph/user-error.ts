// Errors that the client can fix: failed input validation, and rejections by the REST API. Mutations return them as userErrors, reads
// throw BadUserInputError. Messages never quote a value.
import { validateSync, type ValidationError } from 'class-validator';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { NotFoundError, RejectedError } from '../cloudca/errors.js';
import { BadUserInputError } from './errors.js';
import { existsCheck } from './validators.js';

/** Codes of userErrors. */
export const UserErrorCode = { INVALID: 'INVALID', NOT_FOUND: 'NOT_FOUND', REJECTED: 'REJECTED' } as const;
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
        'The REST API rejected the request, e.g. because a name or gateway is taken, or a quota is exhausted.',
    },
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

/** Result of a write that the REST API accepted. */
export interface AcceptedWrite<T> {
  readonly outcome: T;
  readonly userErrors: readonly [];
}

/** Result of a write that the REST API rejected for a reason that the client can fix. */
export interface RejectedWrite {
  readonly outcome: null;
  readonly userErrors: readonly UserError[];
}

/**
 * Converts a rejection of a write by the REST API to userErrors. `field` is the path of the input that a 404 concerns. Rejects with any error
 * that the client cannot fix.
 */
export async function catchUserErrors<T>(
  write: Promise<T>,
  field: readonly string[] | null,
): Promise<AcceptedWrite<T> | RejectedWrite> {
  try {
    return { outcome: await write, userErrors: [] };
  } catch (error) {
    if (error instanceof NotFoundError) {
      const upstreamCode = error.upstream?.errors[0]?.code ?? null;
      return {
        outcome: null,
        userErrors: [{ field, message: error.message, code: UserErrorCode.NOT_FOUND, upstreamCode }],
      };
    }
    if (!(error instanceof RejectedError)) throw error;
    const entries = error.upstream?.errors ?? [];
    const reasons = entries.length > 0 ? entries : [{ message: error.message, code: null }];
    return {
      outcome: null,
      userErrors: reasons.map(({ message, code }) => ({
        field: null,
        message,
        code: UserErrorCode.REJECTED,
        upstreamCode: code,
      })),
    };
  }
}
