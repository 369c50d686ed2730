// Measures the REST calls of the gateway for the web console.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '../../helpers/wait-until.js';
import { list, startConsole } from './console.js';
import { createSteps, see, seeGone } from './console-steps.js';

const rig = await startConsole({ pollMs: 600_000 });
const { page, load } = rig;
const { heading, text, press, row, selectOption, signIn, fillForm } = createSteps(page);
const warehouse = `${list}/vpns/1f97bfb7-b8d8-48e0-ac62-9714384460ce`;

describe('REST calls of the gateway', () => {
  it('match the table of the README for each page and action', async () => {
    const measured: string[][] = [];
    const measure = async (name: string, act: () => Promise<unknown>): Promise<void> => {
      rig.sandbox.calls.splice(0);
      await act();
      const calls = rig.sandbox.calls.map(({ method, path }) => {
        const [, collection = '', rest = ''] = /([a-z]+)(\/[0-9a-f-]{36})?(?:\?.*)?$/.exec(path) ?? [];
        return `${method} ${collection}${rest && '/:id'}`;
      });
      // Task polls are excluded, because their number depends on timing.
      const untimed = calls.filter((call) => call !== 'GET tasks/:id');
      measured.push([
        name,
        String(untimed.length),
        untimed.sort().join(', ') + (untimed.length < calls.length ? '; the task' : ''),
      ]);
    };

    await load('/', null);
    await measure('Sign-in, environments', async () => {
      await signIn();
      await see(page.getByRole('link', { name: 'test_area' }));
    });
    await measure('List', async () => {
      await page.getByRole('link', { name: 'test_area' }).click();
      await see(row('warehouse'));
    });
    await load(warehouse, null);
    await measure('VPN', async () => {
      await signIn();
      await text('Local address');
      await text('The networks do not overlap.');
      // Removes the two calls of the sign-in, which are measured above.
      rig.sandbox.calls.splice(0, 2);
    });
    await measure('– its key', async () => {
      await page.getByRole('region', { name: 'Pre-shared key' }).getByRole('button', { name: 'Show the key' }).click();
      await see(page.getByText('1mOX8cDMydqDD4q30NHVuiZX').first());
    });
    await measure('– files of the remote end', async () => {
      await press('Show swanctl.conf');
      await see(page.getByRole('region', { name: 'warehouse.conf' }));
    });
    await measure('– reset', async () => {
      await press('Reset');
      await text('warehouse is being reset…');
      rig.advanceTime(3_000);
      await seeGone(page.getByText('warehouse is being reset…'));
    });
    await measure('– delete, then the list', async () => {
      await press('Delete');
      await page.getByLabel('Name of the VPN').fill('warehouse');
      await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
      await text('warehouse is being deleted…');
      rig.advanceTime(3_000);
      await heading('test_area');
      await see(row('stargate'));
    });
    await measure('Form', async () => {
      await page.getByRole('link', { name: 'Create VPN' }).click();
      // Waits for the form, because the list also has a VPC select.
      await heading('Create a VPN');
      await selectOption('VPC', 'gate-room');
    });
    await measure('– a check as one types', async () => {
      await fillForm({ name: 'counted', gateway: '203.0.113.42' });
      await waitUntil(() => rig.sandbox.calls.length > 0);
    });
    await measure('– create, then its page', async () => {
      await press('Create VPN');
      await text('counted is being set up…');
      rig.advanceTime(3_000);
      await heading('counted');
      await text('The networks do not overlap.');
    });

    const readme = await readFile(join(import.meta.dirname, '../../../examples/web-console/README.md'), 'utf8');
    const readmeRows = readme
      .split('\n')
      .filter((line) => /^\|.*\| \d+ +\|/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      );
    // The polls of the VPN and of the list may both confirm a delete by a read.
    const withoutRepeatedReads = (rows: readonly (readonly string[])[]) =>
      rows.map(([name = '', count = '', calls = '']) =>
        name.startsWith('– delete')
          ? [name, calls.replace(/(GET sitetositevpns\/:id, )+/, '$1')]
          : [name, count, calls],
      );
    expect(withoutRepeatedReads(readmeRows)).toEqual(withoutRepeatedReads(measured));
  });
});
