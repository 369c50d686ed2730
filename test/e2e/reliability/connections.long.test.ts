// A REST API whose hostname moves while the old address keeps responding under constant load: no connection is reused for over a minute.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startRelocatingRestApi } from './relocating-rest-api.js';
import { reads, writes } from './operations.js';
import { toErrors } from './harness.js';

describe('Hostname that moves to a new address', () => {
  it('receives all calls at the new address within 70 s, however busy the old connections are', async () => {
    const rest = await startRelocatingRestApi();
    const operations = [...reads, ...writes];
    const runAll = async () => {
      for (const operation of operations) expect(toErrors((await rest.run(operation)).json)).toEqual([]);
    };
    await runAll();
    await rest.relocate();
    const startedAt = performance.now();
    while (performance.now() - startedAt < 70_000) {
      await Promise.all([runAll(), runAll()]);
      await sleep(20);
    }
    rest.oldUpstream.script(() => 'SSH-2.0\r\n');
    const countBefore = rest.newUpstream.calls.length;
    for (let round = 0; round < 20; round++) await runAll();
    expect(rest.oldUpstream.calls).toEqual([]);
    expect(rest.newUpstream.calls).toHaveLength(countBefore + 20 * operations.length);
  });
});
