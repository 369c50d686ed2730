// The web console as a person meets it, by mouse, by keyboard and through what a screen reader is told: in a real browser, on the gateway.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { type ConsoleRig, findFaults, longName, startConsole, tabTo, takePicture } from './console.js';

const list = '/compute-on/test_area';
const vpnOf = (id: string) => `${list}/vpns/${id}`;
const stargate = vpnOf('d49b2922-0581-4587-94df-6fe719327d0f');
const toronto = vpnOf('ca86b14f-20db-463d-b58a-9d3fa5959af2');
const callCentre = vpnOf('81ded762-de58-44bd-b8bc-156f36951923');
const warehouse = vpnOf('1f97bfb7-b8d8-48e0-ac62-9714384460ce');
const lostOutpost = vpnOf('d626c4dc-f4f8-4d31-af4a-d92e17ca8dc1');

let rig: ConsoleRig;
let page: Page;

beforeAll(async () => {
  rig = await startConsole();
}, 120_000);

afterEach(async () => {
  rig.fail(undefined);
  rig.hold(undefined);
  rig.choose('quick');
  await page.close();
});

const open: ConsoleRig['open'] = async (...args) => {
  page = await rig.open(...args);
  return page;
};
const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const alert = async () => (await page.getByRole('alert').innerText()).replaceAll(/\n+/g, '\n');
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
// The focus may follow what is seen by a frame.
const hasFocus = (target: Locator) => target.and(page.locator(':focus')).waitFor();
const rows = () => page.getByRole('rowheader').allInnerTexts();
const row = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });

/** Waits for the rows to be these, in this order. */
async function rowsAre(names: readonly string[]): Promise<void> {
  for (let look = 0; look < 100 && (await rows()).join() !== names.join(); look++) await sleep(50);
  expect(await rows()).toEqual(names);
}

async function choose(label: string, option: string): Promise<void> {
  await page.getByRole('button', { name: label }).click();
  await page.getByRole('option', { name: option }).click();
}

/** Fills in a VPN that could be created, but for what the test changes. */
async function fillIn(changes: { readonly gateway?: string; readonly key?: string; readonly name?: string } = {}) {
  await page.getByLabel('Name', { exact: true }).fill(changes.name ?? 'paris-office');
  await choose('VPC', 'gate-room');
  await page.getByLabel('Remote gateway').fill(changes.gateway ?? '203.0.113.40');
  await page.getByLabel('Remote network').fill('10.40.0.0/16');
  await page.getByLabel('Pre-shared key').fill(changes.key ?? 'a-key-that-is-long-enough');
}

describe('Signing in', () => {
  it('is refused with a key that the REST API does not know', async () => {
    await open('/', 'no-such-key');

    expect(await alert()).toMatch(/^You are not signed in\n.*key/);
    expect(await findFaults(page)).toEqual([]);
  });

  it('fills in the key of the sandbox, and leads to the environments', async () => {
    await open('/', null);

    expect(await page.getByLabel('API key').inputValue()).toBe('sandbox-key');
    expect(await findFaults(page)).toEqual([]);

    await press('Sign in');
    await heading('Environments');

    expect(await page.getByRole('main').getByRole('link').allInnerTexts()).toEqual([
      'test_area\nWhere changes are tried out first\nCompute - Ontario',
      'production\nWhat customers see\nCompute - Ontario',
      'staging\nNothing here yet\nCompute - Ontario',
      'cheyenne_mountain\nEnvironment for base at Cheyenne Mountain\nCompute - Québec',
      'disaster_recovery\nTakes over where production fails\nCompute - Québec',
      `crowded\n${longName}\nCompute - Ontario`,
    ]);
    expect(await findFaults(page)).toEqual([]);
  });

  it('tells a gateway that cannot be reached from a key that is refused', async () => {
    const before = rig.complaints.length;
    rig.choose(undefined);
    await open();

    expect(await alert()).toContain('The gateway cannot be reached.');
    // The browser itself says so too.
    expect(rig.complaints.splice(before)).toEqual([expect.stringContaining('net::ERR')]);
  });

  it('leaves the key in no place that outlasts the page, and ends with the session', async () => {
    await open(list);
    await heading('test_area');

    expect(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length')).toBe(0);

    await press('Sign out');
    await page.getByLabel('API key').waitFor();
    await page.reload();
    await page.getByLabel('API key').waitFor();
  });
});

describe('The list', () => {
  it('shows the VPNs of an environment', async () => {
    await open(list);
    await heading('test_area');

    expect((await row('toronto-office').innerText()).split(/\s+/)).toEqual([
      'toronto-office',
      'MyVPC',
      '198.51.100.17',
      '10.20.0.0/16',
      'Disconnected',
    ]);
    expect(await rows()).toHaveLength(9);
    expect(await findFaults(page)).toEqual([]);
    await takePicture(page, 'list');
  });

  it('is searched, narrowed down and sorted, and tells how many are left', async () => {
    await open(list);
    await page.getByRole('searchbox').fill('192.168');
    await rowsAre(['backup-site', 'call-centre']);
    await page.getByText('2 of 9 VPNs shown.').waitFor();

    await page.getByRole('searchbox').fill('');
    await choose('VPC', 'MyVPC');
    await page.getByRole('columnheader', { name: 'Gateway' }).click();
    await rowsAre(['ottawa-office', 'toronto-office', 'montreal-office', 'partner-lab']);

    await page.getByRole('radio', { name: /^Disconnected/ }).click();
    await rowsAre(['toronto-office']);

    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No VPN matches.').waitFor();
    expect(await findFaults(page)).toEqual([]);

    await press('Show all');
    await page.getByText('9 of 9 VPNs shown.').waitFor();
  });

  it('holds many rows, and names that have no place to break', async () => {
    await open('/compute-on/crowded');
    await row(longName).waitFor();
    expect((await rows()).slice(0, 4)).toEqual([longName, 'site-1', 'site-2', 'site-3']);
    await page.getByText('60 of 60 VPNs shown.').waitFor();
    expect(await findFaults(page)).toEqual([]);

    await row(longName).click();
    await page.getByText('The encryption of phase 1 is “chacha20”').waitFor();
    await page.getByRole('button', { name: 'Show the key' }).click();
    await press('Hide the key');
    await press('Delete');
    await page.getByRole('alertdialog').waitFor();
    expect(await findFaults(page)).toEqual([]);
  });

  it('changes as the VPNs do', async () => {
    await open('/compute-qc/cheyenne_mountain');
    await row('beta-site').getByText('Disconnected').waitFor();

    await fetch(
      `${rig.upstream}/services/compute-qc/cheyenne_mountain/sitetositevpns/15253bfb-f4e9-497a-b636-e26200918ba3?operation=reset`,
      { method: 'POST', headers: { 'mc-api-key': 'sandbox-key' } },
    );
    await row('beta-site').getByText('Pending').waitFor();
    rig.pass(3_000);
    await row('beta-site').getByText('Connected').waitFor();
  });

  it('is drawn in grey while it is on its way', async () => {
    rig.hold(/sitetositevpns/);
    await open(list);
    await page.getByText('Loading the VPNs…').waitFor();

    expect(await page.locator('.skeleton').count()).toBe(8);
    expect(await findFaults(page)).toEqual([]);
  });

  it('leads to the form where there is no VPN yet', async () => {
    await open('/compute-on/staging');
    await page.getByRole('heading', { name: 'No VPN yet' }).waitFor();

    expect(await findFaults(page)).toEqual([]);
    await page.getByRole('link', { name: 'Create VPN' }).click();
    await heading('Create a VPN');
  });

  it('says why it cannot be shown, and is tried again', async () => {
    rig.fail(({ path }) => (path.includes('sitetositevpns') ? { status: 403, body: {} } : undefined));
    await open(list);

    expect(await alert()).toMatch(/^The VPNs cannot be shown\n.+\nRequest .+\nTry again$/s);
    expect(await findFaults(page)).toEqual([]);

    rig.fail(undefined);
    await press('Try again');
    await row('stargate').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('stands, with what is missing said, where the VPCs cannot be read', async () => {
    rig.fail(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(list);
    await page.getByText('Some of what is shown here is missing').waitFor();

    expect(await row('stargate').innerText()).toMatch(/^stargate\s+3fe7d82a… \(name not known\)/);
    expect(await rows()).toHaveLength(9);
    expect(await findFaults(page)).toEqual([]);
  });

  it('keeps what it shows where it is not kept up to date any more, and says so', async () => {
    await open(list);
    await row('stargate').waitFor();
    rig.fail(() => ({ status: 401, body: {} }));
    await page.getByText('The list is not kept up to date any more').waitFor();

    expect(await rows()).toHaveLength(9);
    await page.getByText('Not live').waitFor();
    expect(await findFaults(page)).toEqual([]);
  });

  it('says that it reconnects while the gateway is away, and is live again by itself', async () => {
    const before = rig.complaints.length;
    await open(list);
    await page.getByText('Live', { exact: true }).waitFor();
    rig.choose(undefined);
    await page.getByText('Reconnecting…').waitFor();
    rig.choose('quick');
    await page.getByText('Live', { exact: true }).waitFor();

    // The browser's own word for each attempt.
    for (const complaint of rig.complaints.splice(before))
      expect(complaint).toMatch(/WebSocket connection to .* failed/);
  });
});

describe("A VPN's page", () => {
  it('tells all attributes, and what the RFCs say against them', async () => {
    await open(toronto);
    await heading('toronto-office');

    expect((await page.locator('dl').allInnerTexts()).join('\n').split(/\n+/)).toEqual(
      [
        ['Remote gateway', '198.51.100.17'],
        ['Remote network', '10.20.0.0/16'],
        ['VPC', 'MyVPC'],
        ['VPC’s address', '172.31.3.253'],
        ['VPC’s network', '10.155.24.0/22'],
        ['Dead peer detection', 'On'],
        ['Forced UDP encapsulation', 'Off'],
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
    expect(
      await page.getByRole('link', { name: 'Read the section on Group of phase 1, in a new tab' }).getAttribute('href'),
    ).toMatch(/rfc8247/);
    expect(await findFaults(page)).toEqual([]);
    await takePicture(page, 'vpn');
  });

  it('asks for the key when somebody wants to see it, and forgets it again', async () => {
    await open(stargate);
    await heading('stargate');
    const panel = page.getByRole('region', { name: 'Pre-shared key' });
    const file = page.getByRole('region', { name: 'swanctl.conf' });
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');

    await panel.getByRole('button', { name: 'Show the key' }).click();
    await panel.getByText('WtOBS9GRux2XtJPtHY2TUvrv').waitFor();
    expect(await file.innerText()).toContain('secret = "WtOBS9GRux2XtJPtHY2TUvrv"');
    expect(await findFaults(page)).toEqual([]);

    await panel.getByRole('button', { name: 'Hide the key' }).click();
    expect(await page.content()).not.toContain('WtOBS9GRux2XtJPtHY2TUvrv');
  });

  it("gives the other end's file to copy", async () => {
    await open(stargate);
    await press('Copy without the key');
    await page.getByText('Copied').waitFor();

    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      await page.getByRole('region', { name: 'swanctl.conf' }).innerText(),
    );
  });

  it('says why there is no file', async () => {
    await open(callCentre);
    await page.getByText('There is no file for this VPN').waitFor();

    expect(await page.getByText('No group is set for phase 1.').count()).toBe(1);
    expect(await findFaults(page)).toEqual([]);
  });

  it('is drawn in grey while it is on its way', async () => {
    rig.hold(/sitetositevpns/);
    await open(stargate);
    await page.getByText('Loading the VPN…').waitFor();

    expect(await findFaults(page)).toEqual([]);
  });

  it('says that there is no such VPN', async () => {
    await open(vpnOf('00000000-0000-4000-8000-000000000000'));
    await page.getByText('There is no such VPN').waitFor();

    expect(await findFaults(page)).toEqual([]);
  });

  it('says why it cannot be shown', async () => {
    rig.fail(({ path }) => (path.includes('sitetositevpns') ? { status: 403, body: {} } : undefined));
    await open(stargate);

    expect(await alert()).toMatch(/^The VPN cannot be shown\n/);
    expect(await findFaults(page)).toEqual([]);
  });

  it('stands, with what is missing said, where its VPC cannot be read', async () => {
    rig.fail(({ path }) => (path.includes('vpcs') ? { status: 500, body: {} } : undefined));
    await open(stargate);
    await heading('stargate');

    await page.getByText('Some of what is shown here is missing').waitFor();
    await page.getByText('The address or the network of the VPC is not known').waitFor();
    expect(await findFaults(page)).toEqual([]);
  });
});

describe('Creating a VPN', () => {
  it('shows each thing that is wrong at its field, follows the task once it is put right, and sees the VPN connect', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    expect(await findFaults(page)).toEqual([]);

    await fillIn({ gateway: 'vpn.example.com', key: 'too-short' });
    await press('Create VPN');
    await page.getByText('2 things are wrong').waitFor();

    expect(await page.locator('[data-invalid] .field-error').allInnerTexts()).toEqual([
      'The gateway must be an IPv4 or IPv6 address, e.g. 203.0.113.7.',
      'The pre-shared key must hold at least 10 letters or digits, and be on one line.',
    ]);
    // The first of them has the focus, and its message is what describes it.
    await hasFocus(page.getByLabel('Remote gateway'));
    expect(
      await page.evaluate(
        `document.activeElement.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ')`,
      ),
    ).toContain('The gateway must be an IPv4 or IPv6 address');
    expect(await findFaults(page)).toEqual([]);
    await takePicture(page, 'form');

    await page.getByLabel('Remote gateway').fill('203.0.113.40');
    await press('Generate a key');
    await page.getByRole('button', { name: 'Hide the key' }).waitFor();
    expect(await page.getByLabel('Pre-shared key').inputValue()).toMatch(/^[A-Za-z0-9]{32}$/);
    await press('Create VPN');
    await page.getByText('paris-office is being set up…').waitFor();
    expect(await findFaults(page)).toEqual([]);

    rig.pass(3_000);
    await heading('paris-office');
    await page.getByText('Pending', { exact: true }).waitFor();
    rig.pass(3_000);
    await page.getByText('Connected', { exact: true }).waitFor();
  });

  it('suggests the strongest algorithms first', async () => {
    await open(`${list}/create`);
    await page.getByRole('group', { name: 'Phase 1 (IKE)' }).getByRole('button', { name: 'Encryption' }).click();

    expect(await page.getByRole('option').allInnerTexts()).toEqual([
      'AES, 256 bits\nRecommended',
      'AES, 192 bits',
      'AES, 128 bits',
      '3DES\nToo weak today: only for old devices',
    ]);
    expect(await findFaults(page)).toEqual([]);
  });

  it('tells why the task failed, and keeps what was filled in', async () => {
    await open(`${list}/create`);
    await fillIn({ name: 'far-away', gateway: '240.0.0.1' });
    await press('Create VPN');
    await page.getByText('far-away is being set up…').waitFor();
    rig.pass(3_000);

    await page.getByText('far-away could not be created').waitFor();
    expect(await alert()).toContain('The gateway 240.0.0.1 cannot be reached.');
    expect(await findFaults(page)).toEqual([]);

    await press('Dismiss');
    expect(await page.getByLabel('Remote gateway').inputValue()).toBe('240.0.0.1');
  });

  it('tells a key that may only read', async () => {
    await open(`${list}/create`, 'read-only-key');
    await fillIn({ name: 'forbidden' });
    await press('Create VPN');

    expect(await alert()).toMatch(/^The VPN was not created\n/);
    expect(await findFaults(page)).toEqual([]);
  });
});

describe('Resetting a VPN', () => {
  it('is offered where it is disconnected, and seen to connect it', async () => {
    await open(toronto);
    await press('Reset');
    await page.getByText('toronto-office is being reset…').waitFor();
    await page.getByText('Pending', { exact: true }).waitFor();
    rig.pass(3_000);
    await page.getByText('Connected', { exact: true }).waitFor();

    expect(await page.getByRole('button', { name: 'Reset' }).count()).toBe(0);
  });

  it('tells why it failed', async () => {
    await open(lostOutpost);
    await press('Reset');
    await page.getByText('lost-outpost is being reset…').waitFor();
    rig.pass(3_000);
    await page.getByText('lost-outpost could not be reset').waitFor();

    expect(await findFaults(page)).toEqual([]);
  });
});

describe('Deleting a VPN', () => {
  it('asks for the name first, and leads back to the list once it is gone', async () => {
    await open(callCentre);
    await press('Delete');
    const dialog = page.getByRole('alertdialog', { name: 'Delete call-centre?' });
    const confirm = dialog.getByRole('button', { name: 'Delete' });
    expect(await findFaults(page)).toEqual([]);

    await dialog.getByLabel('Name of the VPN').fill('call-center');
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByLabel('Name of the VPN').fill('call-centre');
    await confirm.click();
    await page.getByText('call-centre is being deleted…').waitFor();
    rig.pass(3_000);

    await heading('test_area');
    await row('stargate').waitFor();
    expect(await rows()).not.toContain('call-centre');
  });

  it('tells a key that may only read, in the dialog', async () => {
    await open(stargate, 'read-only-key');
    await press('Delete');
    await page.getByLabel('Name of the VPN').fill('stargate');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();

    expect(await alert()).toMatch(/^It was not deleted\n/);
    expect(await findFaults(page)).toEqual([]);
  });
});

describe('The keyboard alone', () => {
  it('signs in, finds a VPN, and opens and leaves its dialog, with the focus seen at each stop', async () => {
    await open('/', null);
    // A page that has loaded has not been drawn yet, and what is not drawn hears no key.
    await hasFocus(page.getByLabel('API key'));
    await page.keyboard.press('Enter');
    await heading('Environments');
    await tabTo(page, 'test_areaWhere changes are tried out firstCompute - Ontario');
    await page.keyboard.press('Enter');
    await heading('test_area');

    await tabTo(page, 'Search');
    await page.keyboard.type('stargate');
    await rowsAre(['stargate']);
    await tabTo(page, 'stargate');
    await page.keyboard.press('Enter');
    await heading('stargate');

    await tabTo(page, 'Delete');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').waitFor();
    await hasFocus(page.getByLabel('Name of the VPN'));
    await page.keyboard.press('Escape');
    await page.getByRole('alertdialog').waitFor({ state: 'detached' });
    await hasFocus(page.getByRole('button', { name: 'Delete', exact: true }));
  });

  it('creates a VPN', async () => {
    await open(`${list}/create`);
    await heading('Create a VPN');
    await tabTo(page, 'Name');
    await page.keyboard.type('by-keyboard');
    await tabTo(page, 'Choose a VPC VPC');
    for (const key of ['ArrowDown', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('listbox').waitFor({ state: 'detached' });
    await tabTo(page, 'Remote gateway');
    await page.keyboard.type('203.0.113.41');
    await tabTo(page, 'Remote network');
    await page.keyboard.type('10.41.0.0/16');
    await tabTo(page, 'Generate a key');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Force UDP encapsulation');
    await page.keyboard.press('Space');
    await tabTo(page, 'Create VPN');
    await page.keyboard.press('Enter');
    await page.getByText('by-keyboard is being set up…').waitFor();
    rig.pass(3_000);
    await heading('by-keyboard');

    const encapsulation = page.locator('.fact').filter({ hasText: 'Forced UDP encapsulation' });
    expect(await encapsulation.innerText()).toMatch(/On$/);
  });

  it('skips to the content', async () => {
    await open(list);
    await heading('test_area');
    await page.reload();
    await press('Sign in');
    await heading('test_area');
    await page.evaluate('document.activeElement.blur()');
    await tabTo(page, 'Skip to the content');
    await page.keyboard.press('Enter');

    await hasFocus(page.locator('#content'));
  });
});

describe('REST calls', () => {
  it('are those that the README tells, for each page and each thing that is done', async () => {
    rig.choose('still');
    const counted: string[][] = [];
    const count = async (what: string, act: () => Promise<unknown>): Promise<void> => {
      rig.sandbox.calls.splice(0);
      await act();
      const calls = rig.sandbox.calls.map(({ method, path }) => {
        const [, collection = '', rest = ''] = /([a-z]+)(\/[0-9a-f-]{36})?(?:\?.*)?$/.exec(path) ?? [];
        return `${method} ${collection}${rest && '/:id'}`;
      });
      // A task is looked at until it has ended: how often is a matter of time.
      const once = calls.filter((call) => call !== 'GET tasks/:id');
      counted.push([
        what,
        String(once.length),
        once.sort().join(', ') + (once.length < calls.length ? '; the task' : ''),
      ]);
    };

    await open('/', null);
    await count('Sign-in, environments', async () => {
      await press('Sign in');
      await heading('Environments');
    });
    await count('List', async () => {
      await page.getByRole('link', { name: 'test_area' }).click();
      await row('warehouse').waitFor();
    });
    await page.close();
    await open(warehouse, null);
    await count('VPN', async () => {
      await press('Sign in');
      await heading('warehouse');
      // Those of the sign-in are told above.
      rig.sandbox.calls.splice(0, 2);
    });
    await count('– its key', async () => {
      await page.getByRole('region', { name: 'Pre-shared key' }).getByRole('button', { name: 'Show the key' }).click();
      await page.getByText('1mOX8cDMydqDD4q30NHVuiZX').first().waitFor();
    });
    await count('– reset', async () => {
      await press('Reset');
      await page.getByText('warehouse is being reset…').waitFor();
      rig.pass(3_000);
      await page.getByText('warehouse is being reset…').waitFor({ state: 'detached' });
    });
    await count('– delete, then the list', async () => {
      await press('Delete');
      await page.getByLabel('Name of the VPN').fill('warehouse');
      await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByText('warehouse is being deleted…').waitFor();
      rig.pass(3_000);
      await heading('test_area');
      await row('stargate').waitFor();
    });
    await count('Form', async () => {
      await page.getByRole('link', { name: 'Create VPN' }).click();
      // The list has a choice of VPCs too.
      await heading('Create a VPN');
      await choose('VPC', 'gate-room');
    });
    await count('– create, then its page', async () => {
      await fillIn({ name: 'counted', gateway: '203.0.113.42' });
      await press('Create VPN');
      await page.getByText('counted is being set up…').waitFor();
      rig.pass(3_000);
      await heading('counted');
    });

    const readme = await readFile(join(import.meta.dirname, '../../../examples/web-console/README.md'), 'utf8');
    const rowsOfReadme = readme
      .split('\n')
      .filter((line) => /^\|.*\| \d+ +\|/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      );
    expect(rowsOfReadme).toEqual(counted);
  });
});

describe('The console', () => {
  it('asks nobody but its own server and the gateway', async () => {
    await open();
    await heading('Environments');

    expect(rig.strangers).toEqual([]);
  });

  it('complains of nothing', async () => {
    await open('/nowhere');
    await heading('There is no such page');

    expect(await findFaults(page)).toEqual([]);
    expect(rig.complaints).toEqual([]);
  });
});
