// What a caller can put right: the checks of inputs by class-validator, and the REST API's refusals, as userErrors of a mutation or, for
// a read, as BadUserInputError. A message never repeats a value.
import { validateSync, type ValidationError } from 'class-validator';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { NotFoundError, RefusedError } from '../cloudca/errors.js';
import { BadUserInputError } from './errors.js';
import { existsCheck } from './validators.js';

/** Kinds of userErrors. */
export const UserErrorCode = { INVALID: 'INVALID', NOT_FOUND: 'NOT_FOUND', REJECTED: 'REJECTED' } as const;
/** Kinds of userErrors. */
export type UserErrorCode = (typeof UserErrorCode)[keyof typeof UserErrorCode];

registerEnumType(UserErrorCode, {
  name: 'UserErrorCode',
  description: 'What is wrong with an input.',
  valuesConfig: {
    INVALID: { description: 'The gateway refused the value before asking the REST API.' },
    NOT_FOUND: { description: 'Nothing of that id in the environment.' },
    REJECTED: {
      description: 'The REST API refused the request: e.g. the name or the gateway is taken, or a quota is used up.',
    },
  },
});

/** Something in the input that the caller can put right. */
@ObjectType({ simpleResolvers: true, description: 'Something in the input that the caller can put right.' })
export class UserError {
  /** Path to the input field. */
  @Field(() => [String], {
    nullable: true,
    description: 'Path to the input field, e.g. ["input", "ipSecPsk"]; null where it is about the request as a whole.',
  })
  declare field: readonly string[] | null;

  /** For a person to read. */
  @Field(() => String, { description: 'For a person to read. Never repeats the value of a secret.' })
  declare message: string;

  /** What is wrong. */
  @Field(() => UserErrorCode, { description: 'What is wrong, for a program to read.' })
  declare code: UserErrorCode;

  /** The REST API's own code. */
  @Field(() => String, { nullable: true, description: "The REST API's own code, where it gave one." })
  declare upstreamCode: string | null;
}

/** Everything that class-validator finds wrong with an input, each at its field below `path`. */
export function toUserErrors(input: object, path: readonly string[] = ['input']): readonly UserError[] {
  return validateSync(input, { forbidUnknownValues: false }).flatMap((error) => flatten(error, path));
}

/** Refuses the arguments of a read with everything that is wrong with them. Throws BadUserInputError. */
export function refuseInvalid(input: object): void {
  const errors = toUserErrors(input, []);
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

/** A write that was accepted: what came of it. */
export interface Accepted<T> {
  readonly outcome: T;
  readonly userErrors: readonly [];
}

/** A write that was refused: what the caller can put right. */
export interface Refused {
  readonly outcome: null;
  readonly userErrors: readonly UserError[];
}

/**
 * Turns the REST API's refusals of a write into userErrors; `field` is the path of what a 404 is about. Throws all that the caller cannot
 * put right.
 */
export async function orUserErrors<T>(
  write: Promise<T>,
  field: readonly string[] | null,
): Promise<Accepted<T> | Refused> {
  try {
    return { outcome: await write, userErrors: [] };
  } catch (error) {
    if (error instanceof NotFoundError) {
      const upstreamCode = error.answer?.errors[0]?.code ?? null;
      return {
        outcome: null,
        userErrors: [{ field, message: error.message, code: UserErrorCode.NOT_FOUND, upstreamCode }],
      };
    }
    if (!(error instanceof RefusedError)) throw error;
    const entries = error.answer?.errors ?? [];
    const told = entries.length > 0 ? entries : [{ message: error.message, code: null }];
    return {
      outcome: null,
      userErrors: told.map(({ message, code }) => ({
        field: null,
        message,
        code: UserErrorCode.REJECTED,
        upstreamCode: code,
      })),
    };
  }
}
