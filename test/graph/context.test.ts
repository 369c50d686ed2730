// The context of an operation: whose turns of the event loop its work takes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { CloudcaClient } from '../../src/cloudca/client.js';
import { Watcher } from '../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../src/graph/context.js';
import { maxWorkPerTurn, Turns } from '../../src/turns.js';
import { addCleanup } from '../helpers/cleanup.js';

const client = new CloudcaClient({ baseUrl: 'http://127.0.0.1:1/v1', timeoutMs: 60_000 });
const watcher = new Watcher({ client, taskPollMs: 60_000, watchPollMs: 60_000, warn: () => undefined });
addCleanup(() => client.close());

function createContext(apiKey: string): GraphContext {
  return new GraphContext({
    client,
    watcher,
    apiKey,
    callerId: apiKey,
    requestId: 'request-1',
    draining: new AbortController().signal,
    coalesceReads: true,
    warn: () => undefined,
    maxResultFields: 0,
  });
}

async function passTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

describe('The work of an operation', () => {
  // Enough for 20 turns.
  beforeEach(async () => {
    await passTurns(30);
    for (let count = 0; count < 20; count++) void new Turns({ caller: 'busy' }).take(maxWorkPerTurn);
  });

  const work: Readonly<Record<string, (context: GraphContext) => Promise<unknown>>> = {
    'executes rows': ({ budget }) => budget.takeWork(maxWorkPerTurn),
    'reads responses': async ({ rest }) => rest.createTurns().take(maxWorkPerTurn),
  };

  it.each(Object.keys(work))('%s in the turns of its key', async (name) => {
    const ended: string[] = [];
    for (const key of ['busy', 'idle']) void work[name]?.(createContext(key)).then(() => ended.push(key));
    await passTurns(5);
    expect(ended).toEqual(['idle']);
    await passTurns(40);
    expect(ended).toEqual(['idle', 'busy']);
  });
});
