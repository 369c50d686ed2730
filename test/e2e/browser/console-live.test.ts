// Tests that the pages of the web console stay live, and that they show the progress of tasks.
import { describe, expect, it } from '@jest/globals';
import { keyHeader } from '../../helpers/fixtures.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { list, startConsole } from './console.js';
import { createSteps, findViolations, see, setRetries, takeScreenshots } from './console-steps.js';

const rig = await startConsole();
const { page, open, load } = rig;
const { text, press, alertText, rows, row } = createSteps(page);
const toronto = `${list}/vpns/ca86b14f-20db-463d-b58a-9d3fa5959af2`;
const ottawa = `${list}/vpns/8dbed732-1c15-4578-ba17-613863f500bb`;
const lostOutpost = `${list}/vpns/d626c4dc-f4f8-4d31-af4a-d92e17ca8dc1`;

/** Resets a VPN without the console. */
async function reset(environment: string, id: string): Promise<void> {
  const url = `${rig.upstream}/services/${environment}/sitetositevpns/${id}?operation=reset`;
  await fetch(url, { method: 'POST', headers: keyHeader() });
}

describe('live list', () => {
  it('updates a row when its VPN changes', async () => {
    await open('/compute-qc/cheyenne_mountain');
    await see(row('beta-site').getByText('Disconnected'));

    await reset('compute-qc/cheyenne_mountain', '15253bfb-f4e9-497a-b636-e26200918ba3');
    await see(row('beta-site').getByText('Pending'));
    rig.advanceTime(3_000);
    await see(row('beta-site').getByText('Connected'));
  });

  it('shows why it cannot be loaded and retries on request', async () => {
    rig.setFaults(({ path }) =>
      path.includes('sitetositevpns') ? { status: 403, body: { errors: ['No.'] } } : undefined,
    );
    const timers = await setRetries(page, 'never');
    await load(list, 'sandbox-key');
    await timers.dispose();

    expect(await alertText()).toMatch(/^The VPNs cannot be shown\n.+\nRequest .+\nTry again$/s);
    expect(await findViolations(page)).toEqual([]);

    rig.setFaults(undefined);
    await press('Try again');
    await see(row('stargate'));
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('keeps its rows if updates stop, shows since when, and resumes by itself', async () => {
    const timers = await setRetries(page, 'soon');
    await load(list, 'sandbox-key');
    await timers.dispose();
    await see(row('stargate'));
    rig.setFaults(() => ({ status: 401, body: {} }));
    await text('The list has stopped updating. It tries again by itself');

    expect(await rows()).toHaveLength(9);
    await text(/^Not live since \d\d:\d\d:\d\d/);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'not-live');

    rig.setFaults(undefined);
    await text('Live', { exact: true });
  });

  it('reconnects by itself while the gateway is unreachable, and then shows what has changed', async () => {
    const before = rig.pageErrors.length;
    const timers = await setRetries(page, 'soon');
    await load('/compute-on/production', 'sandbox-key');
    await timers.dispose();
    await text('Live', { exact: true });
    rig.setReachable(false);
    await text(/^Not live since \d\d:\d\d:\d\d. Reconnecting…$/);
    // The page retries a refused connection too.
    await waitUntil(() => rig.pageErrors.length > before + 1);
    await reset('compute-on/production', '20b360a5-e84b-4bd3-b777-a942c44e67fc');
    rig.setReachable(true);
    await text('Live', { exact: true });
    await see(row('toronto-office').getByText('Pending'));

    // The browser logs each failed attempt.
    for (const pageError of rig.pageErrors.splice(before))
      expect(pageError).toMatch(/WebSocket connection to .* failed/);
  });
});

describe('reset button', () => {
  it('is shown for a disconnected VPN and hidden once the VPN is connected', async () => {
    await open(toronto);
    await press('Reset');
    await text('toronto-office is being reset…');
    await text('Pending', { exact: true });
    rig.advanceTime(3_000);
    await text('Connected', { exact: true });

    expect(await page.getByRole('button', { name: 'Reset' }).count()).toBe(0);
  });

  it('is shown for a pending VPN, which announces its success', async () => {
    await open(ottawa);
    await press('Reset');
    await text('ottawa-office is being reset…');
    rig.advanceTime(3_000);
    await text('ottawa-office has been reset.');
    await text('Connected', { exact: true });

    expect(await findViolations(page)).toEqual([]);
  });

  it('shows a rejection below the header', async () => {
    await open(lostOutpost, 'read-only-key');
    await press('Reset');

    expect(await alertText()).toMatch(/^The VPN was not reset\n/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows why the reset failed', async () => {
    await open(lostOutpost);
    await press('Reset');
    await text('lost-outpost is being reset…');
    rig.advanceTime(3_000);
    await text('lost-outpost could not be reset', { exact: true });
    expect(await page.getByRole('button', { name: 'Reset' }).isEnabled()).toBe(true);

    expect(await findViolations(page)).toEqual([]);
  });
});
