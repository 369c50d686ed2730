// The form of a VPN, new or existing. It checks nothing itself: the gateway does, as the user types and when the form is submitted.
import type { ErrorLike } from '@apollo/client';
import type { LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react';
import { Form, Link } from 'react-aria-components';
import type { FormErrorFragment } from '../gql/graphql';
import { Button } from '../ui/buttons';
import { ErrorNotice } from '../ui/error-notice';
import { Notice } from '../ui/notice';
import { type Draft, type DraftField, draftFields, fieldLabels, findChanges } from './draft';
import { toFormMessages } from './field-messages';
import { LeaveGuard } from './leave-guard';
import { VpnFields } from './vpn-fields';

/** Pause in typing after which the gateway checks the values, in milliseconds. */
const checkAfterMs = 500;

/** Errors of a write or a check; none if it succeeded. */
export interface FormOutcome {
  readonly userErrors: readonly FormErrorFragment[];
  readonly error?: ErrorLike | undefined;
}

/** Props that the form passes to the VPC field. */
export interface VpcFieldProps {
  readonly value: string;
  readonly message: string | undefined;
  readonly onChange: (vpcId: string) => void;
  readonly onBlur: () => void;
}

/** Holds what the create and the edit page do differently with the form. */
export interface VpnFormProps {
  readonly initial: Draft;
  /** Whether the VPN exists, so that its changes are marked. */
  readonly isExisting: boolean;
  /** Path that Cancel opens. */
  readonly cancelPath: string;
  readonly submitLabel: string;
  readonly submitIcon: LucideIcon;
  /** Title of the message if the write is rejected. */
  readonly failure: string;
  readonly renderVpcField: (props: VpcFieldProps) => ReactNode;
  /** Sends the values, or has the gateway only check them. */
  readonly write: (draft: Draft, validateOnly: boolean) => Promise<FormOutcome>;
}

const noOutcome: FormOutcome = { userErrors: [] };

/** Renders the form. */
export function VpnForm(props: VpnFormProps) {
  const { initial, isExisting, cancelPath, submitLabel, submitIcon, failure, renderVpcField, write } = props;
  const [draft, setDraft] = useState(initial);
  const [outcome, setOutcome] = useState(noOutcome);
  // The values that the latest outcome is of, if they were submitted. They are not checked again.
  const [submitted, setSubmitted] = useState<Draft>();
  const [visited, setVisited] = useState<ReadonlySet<DraftField>>(new Set());
  const [isPending, setPending] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const changes = findChanges(draft, initial);
  const messages = toFormMessages(outcome.userErrors, draft);
  const shown = Object.fromEntries(
    Object.entries(messages.fields).filter(([name]) => [...visited].some((field) => field === name)),
  );
  const invalid = draftFields.filter((field) => field in shown);
  const isRejected = draft === submitted && (outcome.error !== undefined || outcome.userErrors.length > 0);

  const check = useEffectEvent(async (signal: AbortSignal) => {
    const checked = await write(draft, true);
    // A check that fails says nothing about the values: submitting them does.
    if (!signal.aborted && checked.error === undefined) setOutcome(checked);
  });
  useEffect(() => {
    if (isPending || draft === initial || draft === submitted) return;
    const ending = new AbortController();
    const timer = setTimeout(() => void check(ending.signal), checkAfterMs);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [draft, initial, submitted, isPending]);

  const focusInvalid = (): void => {
    const find = (selector: string) => form.current?.querySelector<HTMLElement>(selector);
    const target = find('[data-invalid] .input') ?? find('.form-rejection');
    target?.scrollIntoView({ block: 'center' });
    target?.focus({ preventScroll: true });
  };
  useEffect(() => {
    if (isRejected) focusInvalid();
  }, [isRejected, outcome]);

  const submit = async (): Promise<void> => {
    setPending(true);
    setVisited(new Set(draftFields));
    const written = await write(draft, false);
    setPending(false);
    setSubmitted(draft);
    setOutcome(written);
  };
  const change = (part: Partial<Draft>): void => {
    setDraft((draft) => ({ ...draft, ...part }));
  };
  const visit = (field: DraftField): void => {
    setVisited((visited) => new Set([...visited, field]));
  };

  return (
    <Form
      ref={form}
      className="form"
      validationBehavior="aria"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isPending) void submit();
      }}
    >
      <LeaveGuard isDirty={changes.length > 0 && (draft !== submitted || isRejected)} />
      {isRejected && (
        // Takes the focus if no field is to blame.
        <div className="form-rejection" tabIndex={-1}>
          {outcome.error === undefined ? (
            <Notice tone="error" title={failure}>
              {messages.others.map((message) => (
                <p key={message}>{message}</p>
              ))}
              {invalid.map((field) => (
                <p key={field}>
                  <strong>{fieldLabels[field]}:</strong> {messages.fields[field]}
                </p>
              ))}
            </Notice>
          ) : (
            <ErrorNotice title={failure} error={outcome.error} />
          )}
        </div>
      )}
      <p className="muted">
        Fields with <span className="required">*</span> are required. The gateway checks them as you type.
      </p>
      <VpnFields
        draft={draft}
        original={isExisting ? initial : undefined}
        messages={shown}
        onChange={change}
        onVisit={visit}
        vpcField={renderVpcField({
          value: draft.vpcId,
          message: messages.fields.vpcId !== undefined && visited.has('vpcId') ? messages.fields.vpcId : undefined,
          onChange: (vpcId) => {
            change({ vpcId });
          },
          onBlur: () => {
            visit('vpcId');
          },
        })}
      />
      {/* Stays at the bottom of the window, so a message that appears above never moves the button away from the pointer. */}
      <div className="form-end">
        <p role="status" className="form-status">
          {invalid.length > 0 ? (
            <span className="form-invalid">
              Needs attention: {invalid.map((field) => fieldLabels[field]).join(', ')}
            </span>
          ) : (
            isExisting &&
            (changes.length === 0
              ? 'Nothing changed yet'
              : `Changed: ${changes.map((field) => fieldLabels[field]).join(', ')}`)
          )}
        </p>
        <Link className="button button-plain" href={cancelPath}>
          Cancel
        </Link>
        <Button
          tone="primary"
          type="submit"
          icon={submitIcon}
          isPending={isPending}
          isDisabled={isExisting && changes.length === 0}
        >
          {submitLabel}
        </Button>
      </div>
    </Form>
  );
}
