// Tests the page of a VPN in the web console.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { list, startConsole } from './console.js';
import { createSteps, findViolations, see, takeScreenshots } from './console-steps.js';

const rig = await startConsole();
const { page, open } = rig;
const { heading, text, press, alertText, readClipboard } = createSteps(page);
const vpnOf = (id: string) => `${list}/vpns/${id}`;
const stargate = vpnOf('d49b2922-0581-4587-94df-6fe719327d0f');
const toronto = vpnOf('ca86b14f-20db-463d-b58a-9d3fa5959af2');
const ottawa = vpnOf('8dbed732-1c15-4578-ba17-613863f500bb');
const warehouse = vpnOf('1f97bfb7-b8d8-48e0-ac62-9714384460ce');
const backupSite = vpnOf('1f41e4e8-982c-452f-bf94-6858b35245ff');

describe('VPN page', () => {
  it('shows all attributes', async () => {
    await open(toronto);
    await heading('toronto-office');

    expect((await page.locator('dl.attributes').allInnerTexts()).join('\n').split(/\n+/)).toEqual(
      [
        ['Remote gateway', '198.51.100.17'],
        ['Remote network', '10.20.0.0/16'],
        ['VPC', 'MyVPC'],
        ['VPC’s address', '172.31.3.253'],
        ['VPC’s network', '10.155.24.0/22'],
        ['Dead peer detection', 'On'],
        ['Forced UDP encapsulation', 'Off'],
        ['Service', 'compute-on'],
        ['Id', 'ca86b14f-20db-463d-b58a-9d3fa5959af2'],
        ['Encryption', 'AES, 256 bits'],
        ['Hash', 'SHA-1'],
        ['Diffie-Hellman group', 'Group 5 (1536 bits)'],
        ['Lifetime', '1 day (86,400 s)'],
        ['Encryption', 'AES, 256 bits'],
        ['Hash', 'SHA-1'],
        ['Perfect forward secrecy', 'Group 5 (1536 bits)'],
        ['Lifetime', '1 hour (3,600 s)'],
      ].flat(),
    );
    expect(await findViolations(page)).toEqual([]);
    await takeScreenshots(page, 'vpn');
  });

  it('copies what its icons say', async () => {
    await open(toronto);
    await heading('toronto-office');
    await text('Local address');
    const icons = page.locator('.copyable').filter({ has: page.getByRole('button') });
    const names: (string | null)[] = [];
    for (const icon of await icons.all()) {
      names.push(await icon.getByRole('button').getAttribute('aria-label'));
      await icon.getByRole('button').click();
      await see(icon.getByRole('status').filter({ hasText: 'Copied' }));
      expect(await readClipboard()).toBe(await icon.locator('.mono').innerText());
    }

    expect(names).toEqual([
      'Copy the remote gateway',
      'Copy the remote network 10.20.0.0/16',
      'Copy the VPC’s address',
      'Copy the VPC’s network',
      'Copy the id',
      'Copy local address 198.51.100.17',
      'Copy peer address 172.31.3.253',
      'Copy local networks 10.20.0.0/16',
      'Copy peer networks 10.155.24.0/22',
    ]);
  });

  it('loads the key only when the user shows it, and removes it when the user hides it', async () => {
    await open(stargate);
    await heading('stargate');
    const panel = page.getByRole('region', { name: 'Pre-shared key' });
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');

    await panel.getByRole('button', { name: 'Show the key' }).click();
    await see(panel.getByText('WtOBS9GRux2XtJPtHY2TUvrv'));
    expect(await findViolations(page)).toEqual([]);

    await panel.getByRole('button', { name: 'Hide the key' }).click();
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');
  });

  it('shows skeleton rows while it loads', async () => {
    rig.hold(/sitetositevpns/);
    await open(stargate);
    await text('Loading the VPN…');

    expect(await findViolations(page)).toEqual([]);
  });

  it('says that the VPN does not exist', async () => {
    await open(vpnOf('00000000-0000-4000-8000-000000000000'));
    await text('There is no such VPN');

    expect(await findViolations(page)).toEqual([]);
  });

  it('shows why it cannot be loaded', async () => {
    rig.setFaults(({ path }) =>
      path.includes('sitetositevpns') ? { status: 403, body: { errors: ['No.'] } } : undefined,
    );
    await open(stargate);

    expect(await alertText()).toMatch(/^The VPN cannot be shown\n/);
    expect(await findViolations(page)).toEqual([]);
  });

  it('shows partial data and a warning if its VPC cannot be read', async () => {
    rig.setFaults(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(stargate);
    await heading('stargate');

    await text('Some data could not be loaded');
    expect(await findViolations(page)).toEqual([]);
  });
});

describe('security advisories', () => {
  it('are split into those that the user can act on, and those that the cloud has no answer to', async () => {
    await open(ottawa);
    const panel = page.getByRole('region', { name: 'Security advisories' });
    await see(panel);

    expect(await panel.locator('.advisory-title').allInnerTexts()).toEqual([
      'Warning: Group of phase 1',
      'Warning: Group of phase 2',
    ]);
    expect(await panel.locator('summary').innerText()).toBe(
      'The RFCs advise against 2 more, but the cloud offers nothing stronger',
    );
    expect(await panel.locator('details li').first().isVisible()).toBe(false);
    expect(await findViolations(page)).toEqual([]);
  });

  it('say if the VPN uses the strongest algorithms, and then list the others at once', async () => {
    await open(toronto);
    const panel = page.getByRole('region', { name: 'Security advisories' });
    await see(panel.getByText('It uses the strongest algorithms that the cloud offers.'));

    expect(await panel.locator('.advisory-title').count()).toBe(0);
    const others = await panel.locator('details').getByRole('listitem').allInnerTexts();
    expect(others.map((item) => item.split('.')[0])).toEqual([
      'Group of phase 1',
      'Group of phase 2',
      'Hash of phase 1',
      'Hash of phase 2',
    ]);
    expect(
      await panel
        .getByRole('link', { name: 'Read the section on Group of phase 1, in a new tab' })
        .getAttribute('href'),
    ).toMatch(/rfc8247/);
  });
});

describe('other end of a VPN', () => {
  it('loads the files only when the user shows them, and removes them when the user hides them', async () => {
    const secret = Buffer.from('WtOBS9GRux2XtJPtHY2TUvrv').toString('base64');
    await open(stargate);
    await heading('stargate');
    expect(await page.content()).not.toContain(secret);

    await press('Show ipsec.conf');
    await see(page.getByRole('region', { name: 'stargate.secrets' }));
    expect(await page.getByRole('region', { name: 'stargate.conf' }).innerText()).toContain('conn stargate-1\n');
    expect(await page.content()).toContain(secret);
    await text('The VPC’s address is not public.');
    expect(await findViolations(page)).toEqual([]);

    await press('Hide ipsec.conf');
    expect(await page.content()).not.toContain(secret);
  });

  it('copies and saves a file', async () => {
    await open(stargate);
    await press('Show swanctl.conf');
    await see(page.getByRole('region', { name: 'stargate.conf' }));
    const content = await page.getByRole('region', { name: 'stargate.conf' }).textContent();
    // The page shows the outcome for 3 s.
    await Promise.all([text('Copied'), press('Copy stargate.conf')]);
    expect(await readClipboard()).toBe(content);

    const [download] = await Promise.all([page.waitForEvent('download'), press('Save stargate.conf')]);
    expect(download.suggestedFilename()).toBe('stargate.conf');
    expect(await readFile(await download.path(), 'utf8')).toBe(content);
  });

  it('shows why there is no configuration file', async () => {
    await open(stargate);
    await text('Local address');
    rig.setFaults(({ path }) => (path.includes('/vpcs/') ? { status: 403, body: {} } : undefined));
    await press('Show swanctl.conf');
    await text('There are no files for this VPN');

    expect(await page.getByRole('region', { name: 'stargate.conf' }).count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);
  });

  it('has checks in words for people', async () => {
    const texts: string[] = [];
    for (const vpn of [toronto, warehouse, backupSite]) {
      await open(vpn);
      await text('Local address');
      texts.push(...(await page.locator('.checks li').allInnerTexts()).map((item) => item.replaceAll(/\n+/g, ' ')));
    }

    expect([...new Set(texts)]).toEqual([
      'The tunnel is down. Correct what the other checks name, compare both ends, then reset the VPN.',
      'The remote gateway’s address is not public. Use the public address of the remote router, or of the NAT before it, unless both ends share a network that routes this one.',
      'The VPC’s address is not public. The other end reaches it only through a network that routes it, or at the public address of a NAT.',
      'The cloud could not set up its end of the tunnel. Correct what the other checks name, then reset the VPN. If it stays in error, delete it and create it again.',
      'Phase 2 has no perfect forward secrecy. If the other end requires it, the tunnel fails. Switch it off at the other end, or set the same group at both ends.',
      'The lifetime of phase 2 is unusual: 30 minutes (1,800 s). Set the same at both ends, in whole hours. The cloud may round it down, and some routers refuse one longer than their own.',
      'Phase 1 has no Diffie-Hellman group, so many routers open no tunnel. Choose group 5 for the VPN, and the same at the other end. The files accept groups 5 and 2.',
    ]);
    expect(await page.getByRole('main').innerText()).not.toMatch(/Mutation|MODP_|REST API/);
    expect(await findViolations(page)).toEqual([]);
  });
});
