// The context of an operation: whose turns of the event loop its work takes.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { GraphContext } from '../../src/graph/context.js';
import { maxWorkPerTurn, Turns } from '../../src/turns.js';
import { createContextFactory } from '../helpers/graph-context.js';

const createContext = createContextFactory();

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
