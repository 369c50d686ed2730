// The end of a poll while it hands a value on. The clock is fake.
import { describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { Pacer } from '../../../src/cloudca/polling/pacer.js';
import { Poll, type Subscriber } from '../../../src/cloudca/polling/poll.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const clock = useFakeClock();
const client = new CloudcaClient({ baseUrl: 'http://rest.example.test', timeoutMs: 1_000 });
addCleanup(() => client.close());

/** Creates a poll whose one subscriber leaves as soon as it has a value. Returns it, and counts what it calls. */
function createPoll() {
  const counts = { requests: 0, successes: 0, ends: 0 };
  const poll = new Poll<string>({
    createSession: () => client.session({ apiKey: 'key', requestId: 'id', warn: () => undefined }),
    fetch: () => {
      counts.requests++;
      return Promise.resolve('fetched');
    },
    intervalMs: 1_000,
    pacer: new Pacer(0),
    apiKey: 'key',
    isSame: (one, other) => one === other,
    hasEnded: () => false,
    isDeletable: false,
    firstDelayMs: 1_000,
    onSuccess: () => {
      counts.successes++;
    },
    onEnd: () => {
      counts.ends++;
    },
  });
  const subscriber: Subscriber<string> = {
    onValue: () => {
      poll.unsubscribe(subscriber);
    },
    onEnd: () => undefined,
  };
  poll.subscribe(subscriber);
  return { poll, counts };
}

/** Lets ten intervals pass. */
async function passTime(): Promise<void> {
  for (let interval = 0; interval < 10; interval++) {
    clock.advance(1_000);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
}

describe('A poll whose last subscriber leaves while it receives a value', () => {
  it('sends no further request and passes nothing on if the value is its own', async () => {
    const { counts } = createPoll();
    await passTime();
    expect(counts).toEqual({ requests: 1, successes: 0, ends: 1 });
  });

  it.each(['a value', undefined])('sends no request if another poll then supplies %s', async (next) => {
    const { poll, counts } = createPoll();
    poll.receive('supplied', performance.now());
    poll.receive(next, performance.now());
    poll.expedite();
    poll.requestIfDue();
    await passTime();
    expect(counts).toEqual({ requests: 0, successes: 0, ends: 1 });
  });
});
