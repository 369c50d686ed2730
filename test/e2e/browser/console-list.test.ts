// Tests the list of VPNs in the web console.
import { describe, expect, it } from '@jest/globals';
import { list, longName, startConsole } from './console.js';
import { createSteps, findViolations, see, takeScreenshots } from './console-steps.js';

const rig = await startConsole();
const { page, open } = rig;
const { heading, text, press, rows, row, expectRows, selectOption } = createSteps(page);

describe('VPN list', () => {
  it('shows the VPNs of an environment', async () => {
    await open(list);
    await heading('test_area');

    expect((await row('toronto-office').innerText()).trim().split(/\s+/)).toEqual([
      'toronto-office',
      'MyVPC',
      '198.51.100.17',
      '10.20.0.0/16',
      'Disconnected',
    ]);
    expect(await rows()).toHaveLength(9);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'list');
  });

  it('searches, filters and sorts the rows, and announces how many are shown', async () => {
    await open(list);
    await see(page.getByRole('searchbox'));
    await page.getByRole('searchbox').fill('192.168');
    await expectRows(['backup-site', 'call-centre']);
    await text('2 of 9 VPNs shown.');

    await page.getByRole('searchbox').fill('');
    await selectOption('VPC', 'MyVPC');
    await page.getByRole('columnheader', { name: 'Gateway' }).click();
    await expectRows(['ottawa-office', 'toronto-office', 'montreal-office', 'partner-lab']);

    await page.getByRole('radio', { name: /^Disconnected/ }).click();
    await expectRows(['toronto-office']);

    await page.getByRole('searchbox').fill('nothing like it');
    await text('No VPN matches.');
    expect(await findViolations(page)).toEqual([]);

    await press('Show all');
    await text('9 of 9 VPNs shown.');
  });

  it('renders many rows, and long names without a break opportunity', async () => {
    await open('/compute-on/crowded');
    await see(row(longName));
    expect((await rows()).slice(0, 4)).toEqual([longName, 'site-1', 'site-2', 'site-3']);
    await text('30 of 30 VPNs shown.');
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('link', { name: longName }).click();
    await press('Show the key');
    await press('Hide the key');
    await press('Delete');
    await see(page.getByRole('alertdialog'));
    expect(await findViolations(page)).toEqual([]);
  });

  it('marks VPNs for which the cloud offers stronger algorithms', async () => {
    await open(list);
    await see(row('warehouse').getByText('Weak'));

    expect(await row('montreal-office').getByText('Weak').count()).toBe(0);
  });

  it('opens a VPN in a new tab by a middle click or with Ctrl, and stays where it is', async () => {
    await open(list);
    const link = page.getByRole('link', { name: 'stargate' });
    await see(link);
    for (const click of [() => link.click({ button: 'middle' }), () => link.click({ modifiers: ['Control'] })]) {
      const opened = page.context().waitForEvent('page');
      await click();
      const tab = await opened;
      await tab.waitForURL(/\/vpns\/d49b2922-0581-4587-94df-6fe719327d0f$/);
      await tab.close();
    }

    await heading('test_area');
  });

  it('stays where it is at a double click, which selects an address', async () => {
    await open(list);
    await see(page.getByRole('cell', { name: '19.19.19.19' }));
    await page.getByRole('cell', { name: '19.19.19.19' }).dblclick({ position: { x: 40, y: 24 } });

    expect(await page.evaluate('getSelection().toString().trim()')).toMatch(/^19/);
    await heading('test_area');
  });

  it('keeps its columns where they are while the user types', async () => {
    await open(list);
    const edges = async () =>
      page.evaluate(`[...document.querySelectorAll('thead th')].map((cell) => cell.getBoundingClientRect().left)`);
    await see(row('stargate'));
    const before = await edges();
    await page.getByRole('searchbox').fill('partner');
    await expectRows(['partner-lab']);

    expect(await edges()).toEqual(before);
  });

  it('leads back from an environment that does not exist, and offers no VPN there', async () => {
    await open('/compute-on/atlantis');
    await heading('There is no such environment');

    expect(await page.getByRole('link', { name: 'Create VPN' }).count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'unknown-environment');
    await page.getByRole('link', { name: 'Choose another one' }).click();
    await heading('Environments');
  });

  it('shows skeleton rows while it loads', async () => {
    rig.hold(/sitetositevpns/);
    await open(list);
    await text('Loading the VPNs…');

    expect(await page.locator('.skeleton').count()).toBe(8);
    expect(await findViolations(page)).toEqual([]);
  });

  it('links to the create form if the environment has no VPN', async () => {
    await open('/compute-on/staging');
    await see(page.getByRole('heading', { name: 'No VPN yet' }));

    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'empty', 'dark');
    await page.getByRole('link', { name: 'Create the first VPN' }).click();
    await heading('Create a VPN');
  });

  it('shows partial data and a warning if the VPCs cannot be read', async () => {
    rig.setFaults(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(list);
    await text('Some data could not be loaded');

    expect((await row('stargate').innerText()).trim()).toMatch(/^stargate\s+3fe7d82a… \(name not known\)/);
    expect(await rows()).toHaveLength(9);
    expect(await findViolations(page)).toEqual([]);
  });
});
