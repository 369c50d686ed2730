// A REST API that moves while it is asked all the time, and its old address goes on answering: no connection is kept for longer than a minute.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startOnName } from './moving-rest-api.js';
import { reads, writes } from './operations.js';
import { toErrors } from './harness.js';

describe('A new address behind the name', () => {
  it('is asked within little more than a minute, however busy the connections to the old one are', async () => {
    const rest = await startOnName();
    const all = [...reads, ...writes];
    const askAll = async () => {
      for (const operation of all) expect(toErrors((await rest.ask(operation)).json)).toEqual([]);
    };
    await askAll();
    await rest.move();
    const begun = performance.now();
    while (performance.now() - begun < 70_000) {
      await Promise.all([askAll(), askAll()]);
      await sleep(20);
    }
    rest.old.script(() => 'SSH-2.0\r\n');
    const before = rest.next.calls.length;
    for (let round = 0; round < 20; round++) await askAll();
    expect(rest.old.calls).toEqual([]);
    expect(rest.next.calls).toHaveLength(before + 20 * all.length);
  });
});
