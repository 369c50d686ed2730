// Admission without HTTP: what it charges, when it queues, and which errors it throws. test/server/admission/admission.test.ts tests it
// over HTTP.
import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../../../src/graph/error-codes.js';
import { type Admission, type AdmissionConfig, createAdmission } from '../../../src/server/admission/admission.js';
import type { RateLimit } from '../../../src/server/admission/rate-limit.js';
import { createContextFactory } from '../../helpers/graph-context.js';

const createContext = createContextFactory();

// In REST calls.
const charged = 1;

/** Creates an admission. By default, it has no limits. */
function create(config: Partial<AdmissionConfig> = {}, rateLimit?: RateLimit) {
  const unlimited: AdmissionConfig = {
    maxInFlight: 0,
    maxInFlightPerKey: 0,
    maxQueued: 0,
    maxQueueMs: 60_000,
    maxSubscriptions: 0,
    maxSubscriptionsPerKey: 0,
  };
  const shed: string[] = [];
  const admission = createAdmission({ ...unlimited, ...config }, rateLimit, (reason) => shed.push(reason));
  return { admission, shed };
}

/** Returns code, status and Retry-After of the error that a promise rejects with. Throws if it is no RequestError. */
async function catchExtensions(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => new Error('The operation was admitted.'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RequestError)) throw error;
  const { extensions, status, retryAfter } = error;
  return { code: extensions['code'], status, retryAfter };
}

const rejection = (code: string, status: number, retryAfter = 1) => ({ code, status, retryAfter });

type Admit = (admission: Admission, key: string) => Promise<(() => void) | undefined>;
const admit: Admit = (admission, key) => admission.admit(createContext(key), charged);
const admitSubscription: Admit = async (admission, key) => {
  await admission.charge(key, charged);
  return admission.admitSubscription(key);
};

describe('createAdmission', () => {
  it.each<[string, Partial<AdmissionConfig>, Admit, string, unknown]>([
    ['operations', { maxInFlight: 1 }, admit, 'other', rejection('OVERLOADED', 503)],
    ['operations_of_key', { maxInFlightPerKey: 1 }, admit, 'key', rejection('RATE_LIMITED', 429)],
    ['subscriptions', { maxSubscriptions: 1 }, admitSubscription, 'other', rejection('OVERLOADED', 503)],
    ['subscriptions_of_key', { maxSubscriptionsPerKey: 1 }, admitSubscription, 'key', rejection('RATE_LIMITED', 429)],
  ])('rejects for the reason %s at its limit, until a permit is released', async (reason, config, run, key, error) => {
    const { admission, shed } = create(config);
    const release = await run(admission, 'key');
    expect(shed).toEqual([]);
    expect(await catchExtensions(run(admission, key))).toEqual(error);
    expect(shed).toEqual([reason]);
    release?.();
    await run(admission, key);
    expect(shed).toEqual([reason]);
  });

  it('does not limit operations without an API key', async () => {
    const spend = () => ({ max: 0, left: -1, resetMs: 1 });
    const { admission } = create({ maxInFlight: 1 }, { spend });
    for (let count = 0; count < 3; count++) {
      expect(await admission.admit(createContext(undefined), charged)).toBeUndefined();
    }
  });

  it.each([
    ['an operation', admit],
    ['a subscription', admitSubscription],
  ])('charges %s to its caller each time, and rejects it when the budget is spent', async (_, run) => {
    const charges: [string, number][] = [];
    let budget = { max: 1, left: 0, resetMs: 60_000 };
    const spend = (callerId: string, cost: number) => {
      charges.push([callerId, cost]);
      return budget;
    };
    const { admission, shed } = create({}, { spend });
    await run(admission, 'key');
    budget = { max: 1, left: -1, resetMs: 1_001 };
    expect(await catchExtensions(run(admission, 'other'))).toEqual(rejection('RATE_LIMITED', 429, 2));
    expect(charges).toEqual([
      ['key', 1],
      ['other', 1],
    ]);
    expect(shed).toEqual([]);
  });

  it('queues an operation above a limit, and reports the length of the queue', async () => {
    const { admission } = create({ maxInFlight: 1, maxQueued: 2 });
    const release = await admit(admission, 'key');
    expect(admission.queued()).toBe(0);
    const queued = admit(admission, 'key');
    await Promise.resolve();
    expect(admission.queued()).toBe(1);
    release?.();
    const releaseQueued = await queued;
    expect(admission.queued()).toBe(0);
    const next = admit(admission, 'key');
    await Promise.resolve();
    expect(admission.queued()).toBe(1);
    releaseQueued?.();
    await next;
  });

  it('does not queue subscriptions', async () => {
    const { admission } = create({ maxSubscriptions: 1, maxQueued: 2 });
    await admitSubscription(admission, 'key');
    expect(await catchExtensions(admitSubscription(admission, 'key'))).toMatchObject({ code: 'OVERLOADED' });
  });

  it('rejects a queued operation when the process shuts down', async () => {
    const { admission } = create({ maxInFlight: 1, maxQueued: 1 });
    await admit(admission, 'key');
    const draining = new AbortController();
    const queued = catchExtensions(admission.admit(createContext('key', draining.signal), charged));
    await Promise.resolve();
    draining.abort();
    expect(await queued).toEqual(rejection('OVERLOADED', 503));
    expect(admission.queued()).toBe(0);
  });

  it('does not count an operation while it waits outside the deadline', async () => {
    const { admission } = create({ maxInFlight: 1 });
    const context = createContext('key');
    await admission.admit(context, charged);
    let endWait: (() => void) | undefined;
    const waiting = context.waitOutsideDeadline(
      () =>
        new Promise<void>((resolve) => {
          endWait = resolve;
        }),
    );
    const release = await admit(admission, 'other');
    release?.();
    endWait?.();
    await waiting;
    expect(await catchExtensions(admit(admission, 'other'))).toMatchObject({ code: 'OVERLOADED' });
  });
});
