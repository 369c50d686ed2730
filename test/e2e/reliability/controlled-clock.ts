// A gateway process whose clock the test controls. Nothing then depends on the machine's speed: neither what the circuit breaker counts, nor
// when it sends a probe, nor when a deadline expires.
import { post } from '../../helpers/http.js';
import type { ListeningProcess } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { type Rig, startRig } from './harness.js';

/** Controls the clock of a process. */
export interface ProcessClock {
  /** Advances Date.now() by a minute, which is longer than the circuit breaker ever waits for a probe. */
  readonly advanceDate: () => Promise<void>;
  /** Lets the deadlines of all REST calls in flight expire, once the gateway has read what it has been sent so far. */
  readonly expireDeadlines: () => Promise<void>;
}

// Ten minutes: no deadline expires by itself.
const deadlineMs = 600_000;
const advancedText = 'The date was advanced.\n';

// Holds Date.now(), which the circuit breaker reads. SIGURG advances it. SIGWINCH expires the deadlines, which are the only timers as long
// as that. Calling one that was cleared does no harm.
const preload = `
  let now = Date.now();
  Date.now = () => now;
  process.on('SIGURG', () => {
    now += 60_000;
    process.stderr.write(${JSON.stringify(advancedText)});
  });
  const start = globalThis.setTimeout;
  const deadlines = [];
  globalThis.setTimeout = Object.assign((callback, delay, ...args) => {
    if (delay > ${deadlineMs / 2}) deadlines.push(() => callback(...args));
    return start(callback, delay, ...args);
  }, start);
  process.on('SIGWINCH', () => {
    for (const expire of deadlines.splice(0)) expire();
  });`;

/** Environment of a process whose clock `controlClock` controls. */
export const controlledClock = {
  CLOUDCA_API_TIMEOUT_MS: String(deadlineMs),
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
} as const;

/** Returns the controls of a process with the environment `controlledClock`. */
export function controlClock(gateway: ListeningProcess): ProcessClock {
  const countAdvances = () => gateway.stderr().split(advancedText).length - 1;
  return {
    advanceDate: async () => {
      const target = countAdvances() + 1;
      gateway.signal('SIGURG');
      await waitUntil(() => countAdvances() === target);
    },
    expireDeadlines: async () => {
      await post(gateway.url, { query: '{ __typename }' });
      gateway.signal('SIGWINCH');
    },
  };
}

/** Starts a rig whose clock the test controls. A shorter CLOUDCA_API_TIMEOUT_MS makes deadlines real. */
export async function startControlledRig(environment: NodeJS.ProcessEnv = {}): Promise<Rig & ProcessClock> {
  const rig = await startRig({ ...controlledClock, ...environment });
  return { ...rig, ...controlClock(rig.gateway) };
}
