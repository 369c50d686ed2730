// Lists that come in pages, and lists that are shorter than the REST API says.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { listEnvironments, listServiceConnections } from '../../src/cloudca/environments.js';
import type { RestSession } from '../../src/cloudca/session.js';
import { decodeEntries } from '../../src/cloudca/lists.js';
import { listSiteToSiteVpns } from '../../src/cloudca/site-to-site-vpns.js';
import { listVpcs } from '../../src/cloudca/vpcs.js';
import { countTurns } from '../helpers/count-turns.js';
import { numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { startUpstream, type UpstreamCall } from '../helpers/upstream.js';
import { catchFailure, createTestClient, testArea } from './test-client.js';

const upstream = await startUpstream();
const { session, warnings } = createTestClient(upstream.url);

interface Row {
  readonly id: string;
}

type List = (rest: RestSession) => Promise<readonly Row[]>;

const vpcs: List = (rest) => listVpcs(rest, testArea);

const collections: readonly (readonly [string, List, (index: number) => object])[] = [
  ['sitetositevpns', (rest) => listSiteToSiteVpns(rest, testArea, null), (index) => numberedVpn(index, 0)],
  ['vpcs', vpcs, (index) => numberedVpc(index)],
  ['environments', listEnvironments, (index) => ({ id: String(index), name: 'n' })],
  ['service connections', listServiceConnections, (index) => ({ id: String(index) })],
];

/** Responds with pages of `pageSize` entries, as an API does that has `rows` of them. */
function sendPages(rows: number, pageSize: number, toEntry: (index: number) => object) {
  return ({ url }: UpstreamCall): object => {
    const page = Number(new URL(url, 'http://localhost').searchParams.get('page_number') ?? 1);
    const data = range(rows).slice((page - 1) * pageSize, page * pageSize);
    return { data: data.map(toEntry), metadata: { recordCount: rows, pageSize, pageCurrent: page } };
  };
}

const queries = () => upstream.calls.map(({ url }) => url.split('?')[1] ?? '');

describe.each(collections)('A list of %s', (name, list, toEntry) => {
  it('is read page by page if recordCount is above the number of entries', async () => {
    upstream.script(sendPages(7, 3, toEntry));
    const rows = await list(session());
    expect(new Set(rows.map(({ id }) => id)).size).toBe(7);
    expect(queries()).toEqual(['', 'page_number=2&page_size=3', 'page_number=3&page_size=3']);
  });

  it.each([
    [5, 2],
    // More pages than the gateway requests.
    [3_000_000_000, 1],
  ])('is a bad response if there is no further page, with recordCount %i', async (recordCount, calls) => {
    upstream.script(() => ({ data: range(3).map(toEntry), metadata: { recordCount } }));
    expect(await catchFailure(list(session()))).toEqual({
      name: 'BadResponseError',
      message: `The REST API sent 3 of ${recordCount} ${name}, and no further page of them. The gateway returns no incomplete list.`,
      outcomeUnknown: false,
    });
    expect(upstream.calls).toHaveLength(calls);
  });
});

describe('A list', () => {
  it.each([
    ['equal to the number of entries', { recordCount: 3 }],
    ['below the number of entries', { recordCount: 1 }],
    ['the number of entries as a text', { recordCount: '3' }],
    ['negative', { recordCount: -1 }],
    ['null', { recordCount: null }],
    ['of the wrong type', { recordCount: ['5'] }],
    ['absent', {}],
  ])('takes one call if recordCount is %s', async (_, metadata) => {
    upstream.script(() => ({ data: range(3).map((index) => numberedVpc(index)), metadata }));
    expect(await vpcs(session())).toHaveLength(3);
    expect(upstream.calls).toHaveLength(1);
  });

  it.each([['x'], [7], [[]], [null]])('takes one call if metadata is %j', async (metadata) => {
    upstream.script(() => ({ data: [numberedVpc(1)], metadata }));
    expect(await vpcs(session())).toHaveLength(1);
    expect(upstream.calls).toHaveLength(1);
  });

  it('is read page by page if recordCount is a text, which is reported', async () => {
    warnings.splice(0);
    upstream.script(({ url }) => ({
      data: [numberedVpc(url.includes('page_number=2') ? 1 : 0)],
      metadata: { recordCount: '2' },
    }));
    expect(await vpcs(session())).toHaveLength(2);
    expect(warnings).toEqual([
      { field: 'list.metadata.recordCount', problem: expect.any(String), form: 'number_as_text' },
    ]);
  });

  it('keeps its filter on further pages', async () => {
    upstream.script(sendPages(2, 1, (index) => numberedVpn(index, 0)));
    const vpcId = numberedId('vpc', 0);
    expect(await listSiteToSiteVpns(session(), { ...testArea, organizationId: 'o' }, vpcId)).toHaveLength(2);
    const filter = `vpc_id=${vpcId}&org_id=o`;
    expect(queries()).toEqual([filter, `${filter}&page_number=2&page_size=1`]);
  });

  it('has each entry once if entries move to a later page meanwhile', async () => {
    const pages = [
      [0, 1],
      [1, 2],
      [2, 3],
    ];
    upstream.script((_, index) => ({
      data: (pages[index] ?? []).map((vpc) => numberedVpc(vpc)),
      metadata: { recordCount: 4 },
    }));
    expect((await vpcs(session())).map(({ id }) => id)).toEqual(range(4).map((vpc) => numberedId('vpc', vpc)));
  });

  it('ends with the recordCount of its last page if entries are removed meanwhile', async () => {
    upstream.script((_, index) => ({ data: [numberedVpc(index)], metadata: { recordCount: index === 0 ? 9 : 2 } }));
    expect(await vpcs(session())).toHaveLength(2);
    expect(upstream.calls).toHaveLength(2);
  });

  it('is a bad response without further calls if it would take more than 20 pages, or if its first page is empty', async () => {
    for (const size of [1, 0]) {
      upstream.script(() => ({ data: range(size).map((index) => numberedVpc(index)), metadata: { recordCount: 21 } }));
      expect((await catchFailure(vpcs(session()))).name).toBe('BadResponseError');
      expect(upstream.calls).toHaveLength(1);
    }
  });

  it('may take 20 pages', async () => {
    upstream.script(sendPages(20, 1, (index) => numberedVpc(index)));
    expect(await vpcs(session())).toHaveLength(20);
    expect(upstream.calls).toHaveLength(20);
  });
});

describe('decodeEntries', () => {
  it('lets other work have turns of the event loop while it decodes a long list', async () => {
    const done = new AbortController();
    let turns = 0;
    const other = (async () => {
      while (!done.signal.aborted) {
        await nextTurn();
        turns++;
      }
    })();
    const entries = range(5_000);
    const decodedInTurn = new Map<number, number>();
    const decoded = await decodeEntries(session(), entries, (entry) => {
      decodedInTurn.set(turns, (decodedInTurn.get(turns) ?? 0) + 1);
      return entry;
    });
    done.abort();
    await other;
    expect(decoded).toEqual(entries);
    expect(Math.max(...decodedInTurn.values())).toBeLessThanOrEqual(entries.length / 2);
  });

  it('divides a short list of large entries too', async () => {
    const decode = (toWork?: () => number) =>
      countTurns(decodeEntries(session(), range(100), (entry) => entry, toWork));
    expect(await decode()).toBeLessThanOrEqual(1);
    expect(await decode(() => 1_000)).toBeGreaterThanOrEqual(5);
  });

  it('decodes a short list in the turn in which it has arrived', async () => {
    let isLater = false;
    setImmediate(() => (isLater = true));
    expect(await decodeEntries(session(), range(100), (entry) => entry)).toHaveLength(100);
    expect(isLater).toBe(false);
  });
});
