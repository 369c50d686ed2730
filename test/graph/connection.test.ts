// Connections: order, pages and cursors, as properties of toConnection and over HTTP.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Connection,
  sortRows,
  PageArgs,
  type ConnectionRow,
  toConnection,
  parsePage,
  allRows,
} from '../../src/graph/connection.js';
import { environment, numberedId, numberedVpc, numberedVpn, range } from '../helpers/fixtures.js';
import { failure, startOnUpstream, textAt } from './graph-client.js';

type Args = Partial<Record<'first' | 'last', number> & Record<'after' | 'before', string>>;

function readPage(rows: readonly ConnectionRow[], args: Args): Connection<ConnectionRow> {
  return toConnection('row', sortRows(rows), parsePage('row', Object.assign(new PageArgs(), args)));
}

// Names that an order by code points, by case or by language would sort differently, and names that look alike.
const name = fc.oneof(
  fc.constantFrom('', 'a', 'B', 'b', 'é', 'e\u0301', 'Z', 'z', '\uff5e', '\u{1f310}', '\ud83c', 'a"b', '10', '9'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const id = fc.integer({ min: 0, max: 40 }).map(String);
const row: fc.Arbitrary<ConnectionRow> = fc.record({ id, name });
const rows = fc.uniqueArray(row, { selector: ({ id: key }) => key, maxLength: 30 });

// Model of the order: compares names and ids by UTF-16 code units.
function precedes(a: ConnectionRow, b: ConnectionRow): boolean {
  const units = (text: string) => range(text.length).map((index) => text.charCodeAt(index));
  const [left, right] = a.name === b.name ? [units(a.id), units(b.id)] : [units(a.name), units(b.name)];
  const differing = left.findIndex((unit, index) => unit !== right[index]);
  if (differing < 0) return left.length < right.length;
  return differing >= right.length ? false : (left[differing] ?? 0) < (right[differing] ?? 0);
}

describe('sortRows', () => {
  it('orders rows by the UTF-16 code units of their names, then by id', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const ordered = sortRows(given);
        expect(ordered.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual(
          given.toSorted((a, b) => Number(a.id) - Number(b.id)),
        );
        for (const [index, current] of ordered.entries()) {
          const next = ordered[index + 1];
          if (next !== undefined) expect(precedes(current, next)).toBe(true);
        }
      }),
    );
  });

  it('puts an astral character before U+FF5E, uppercase before lowercase, and 10 before 9', () => {
    const given = ['\uff5e', '\u{1f310}', 'a', 'B', '9', '10', ''].map((text) => ({ id: '1', name: text }));
    expect(sortRows(given).map((sorted) => sorted.name)).toEqual(['', '10', '9', 'B', 'a', '\u{1f310}', '\uff5e']);
  });
});

describe('toConnection', () => {
  // Change of the list between two pages.
  const change = fc.record({ inserted: fc.array(row, { maxLength: 3 }), removed: fc.array(id, { maxLength: 3 }) });

  it.each([
    ['forward', 'first', 'after'],
    ['backward', 'last', 'before'],
  ] as const)(
    'returns each row that stays exactly once when paged %s, while other rows come and go',
    (direction, count, cursorName) => {
      const listWithChanges = fc.record({
        start: rows,
        sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        changes: fc.array(change, { maxLength: 40 }),
      });
      fc.assert(
        fc.property(listWithChanges, ({ start, sizes, changes }) => {
          let present: readonly ConnectionRow[] = start;
          const stays = new Map(start.map((original) => [original.id, original]));
          const seen: ConnectionRow[] = [];
          let cursor: string | null = null;
          for (let pageIndex = 0; ; pageIndex++) {
            // More pages than rows: paging would never end.
            expect(pageIndex).toBeLessThan(300);
            const args = {
              [count]: sizes[pageIndex % sizes.length],
              ...(cursor === null ? {} : { [cursorName]: cursor }),
            };
            const page = readPage(present, args);
            seen.push(...(direction === 'forward' ? page.nodes : page.nodes.toReversed()));
            if (!(direction === 'forward' ? page.pageInfo.hasNextPage : page.pageInfo.hasPreviousPage)) break;
            cursor = direction === 'forward' ? page.pageInfo.endCursor : page.pageInfo.startCursor;
            const { inserted = [], removed = [] } = changes[pageIndex] ?? {};
            for (const key of removed) stays.delete(key);
            const usedIds = new Set([...present, ...seen].map((used) => used.id));
            const added = inserted.filter(
              ({ id: newId }, index) =>
                !usedIds.has(newId) && inserted.findIndex((other) => other.id === newId) === index,
            );
            present = [...present.filter((kept) => !removed.includes(kept.id)), ...added];
          }
          // In order, without duplicates, and with every row that stayed.
          const inListOrder = direction === 'forward' ? seen : seen.toReversed();
          for (const [index, current] of inListOrder.entries()) {
            const next = inListOrder[index + 1];
            if (next !== undefined) expect(precedes(current, next)).toBe(true);
          }
          expect(seen).toEqual(expect.arrayContaining([...stays.values()]));
        }),
      );
    },
  );

  it('returns the same page as a model for all arguments, with exact hasNextPage and hasPreviousPage', () => {
    const size = fc.integer({ min: 0, max: 8 });
    const position = fc.option(row, { nil: undefined });
    const counts = fc.oneof(
      fc.constant({}),
      size.map((first) => ({ first })),
      size.map((last) => ({ last })),
    );
    fc.assert(
      fc.property(
        rows,
        position,
        position,
        counts,
        (rowsInAnyOrder, after, before, count: { first?: number; last?: number }) => {
          const cursorOf = (cursorRow: ConnectionRow) => readPage([cursorRow], {}).edges[0]?.cursor ?? '';
          const connection = readPage(rowsInAnyOrder, {
            ...count,
            ...(after && { after: cursorOf(after) }),
            ...(before && { before: cursorOf(before) }),
          });
          const ordered = sortRows(rowsInAnyOrder);
          const between = ordered.filter(
            (candidate) => (!after || precedes(after, candidate)) && (!before || precedes(candidate, before)),
          );
          const { first = between.length, last = first } = count;
          const expected = count.last === undefined ? between.slice(0, first) : last === 0 ? [] : between.slice(-last);
          expect(connection.nodes).toEqual(expected);
          expect(connection.totalCount).toBe(rowsInAnyOrder.length);
          expect(connection.edges).toEqual(expected.map((node) => ({ node, cursor: cursorOf(node) })));
          const [begin, end] = [expected.at(0), expected.at(-1)];
          expect(connection.pageInfo.startCursor).toBe(begin ? cursorOf(begin) : null);
          expect(connection.pageInfo.endCursor).toBe(end ? cursorOf(end) : null);
          if (begin && end) {
            expect(connection.pageInfo.hasPreviousPage).toBe(ordered.some((other) => precedes(other, begin)));
            expect(connection.pageInfo.hasNextPage).toBe(ordered.some((other) => precedes(end, other)));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

const upstream = await startOnUpstream();
const query = `query ($environment: EnvironmentInput!, $first: Int, $after: String, $last: Int, $before: String) {
  siteToSiteVpns(environment: $environment, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { name } } nodes { name }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}`;

const nameOf = (index: number) => `vpn-${String(index).padStart(4, '0')}`;
const cursorOf = (index: number, collection = 'siteToSiteVpn') =>
  Buffer.from(JSON.stringify([collection, nameOf(index), numberedId('vpn', index)])).toString('base64url');

/** Returns the expected body of a page with these rows. */
function page(indexes: readonly number[], pages: { next: boolean; previous: boolean }, totalCount = 5): object {
  const [begin, end] = [indexes.at(0), indexes.at(-1)];
  return {
    data: {
      siteToSiteVpns: {
        edges: indexes.map((index) => ({ cursor: cursorOf(index), node: { name: nameOf(index) } })),
        nodes: indexes.map((index) => ({ name: nameOf(index) })),
        pageInfo: {
          hasNextPage: pages.next,
          hasPreviousPage: pages.previous,
          startCursor: begin === undefined ? null : cursorOf(begin),
          endCursor: end === undefined ? null : cursorOf(end),
        },
        totalCount,
      },
    },
  };
}

/** Scripts the REST API to list these VPNs, in reverse order. */
function scriptList(indexes: readonly number[]): void {
  upstream.upstream.script(() => ({ data: indexes.toReversed().map((index) => numberedVpn(index, 1)) }));
}

const combined = 'first and last must not be combined. Send one of them.';

describe('Page of a connection', () => {
  // V8 allocates own getters in the old generation, where they would retain the page.
  it('has no own getters', () => {
    const page = toConnection('thing', [{ id: '1', name: 'one' }], allRows);
    const own = Object.values(Object.getOwnPropertyDescriptors(page));
    expect(own.filter((property) => 'get' in property)).toEqual([]);
    expect(page.edges).toHaveLength(1);
  });
});

describe('SiteToSiteVpnConnection', () => {
  it.each([
    ['no arguments', {}, [0, 1, 2, 3, 4], { next: false, previous: false }],
    ['null for each argument', { first: null, last: null, after: null, before: null }, [0, 1, 2, 3, 4], undefined],
    ['first: 0', { first: 0 }, [], { next: true, previous: false }],
    ['last: 0', { last: 0 }, [], { next: false, previous: true }],
    ['first: 2', { first: 2 }, [0, 1], { next: true, previous: false }],
    ['first: 5', { first: 5 }, [0, 1, 2, 3, 4], undefined],
    ['first: 1000', { first: 1000 }, [0, 1, 2, 3, 4], undefined],
    ['last: 1000', { last: 1000 }, [0, 1, 2, 3, 4], undefined],
    ['last: 2', { last: 2 }, [3, 4], { next: false, previous: true }],
    ['after only', { after: cursorOf(1) }, [2, 3, 4], { next: false, previous: true }],
    ['before only', { before: cursorOf(1) }, [0], { next: true, previous: false }],
    ['first and after', { first: 2, after: cursorOf(0) }, [1, 2], { next: true, previous: true }],
    ['first and before', { first: 1, before: cursorOf(3) }, [0], { next: true, previous: false }],
    ['last and before', { last: 2, before: cursorOf(3) }, [1, 2], { next: true, previous: true }],
    ['last and after', { last: 1, after: cursorOf(1) }, [4], { next: false, previous: true }],
    ['after and before', { after: cursorOf(0), before: cursorOf(4) }, [1, 2, 3], { next: true, previous: true }],
    [
      'last, after and before',
      { last: 1, after: cursorOf(0), before: cursorOf(4) },
      [3],
      { next: true, previous: true },
    ],
    ['after beyond before', { after: cursorOf(3), before: cursorOf(1) }, [], { next: true, previous: true }],
    ['after the last row', { after: cursorOf(4) }, [], { next: false, previous: true }],
    ['before the first row', { before: cursorOf(0) }, [], { next: true, previous: false }],
  ] as const)('returns the page for %s', async (_, args, indexes, pages = { next: false, previous: false }) => {
    scriptList([0, 1, 2, 3, 4]);
    expect(await upstream.execute(query, { environment, ...args })).toEqual(page(indexes, pages));
    expect(upstream.calls()).toHaveLength(1);
  });

  it('returns all of more than 1000 rows without first and last', async () => {
    scriptList(range(1001));
    const body = await upstream.execute(query, { environment });
    expect(body).toEqual(page(range(1001), { next: false, previous: false }, 1001));
    expect(await upstream.execute(query, { environment, first: 1000 })).toEqual(
      page(range(1000), { next: true, previous: false }, 1001),
    );
  });

  it('continues from a cursor whose row was deleted, in both directions', async () => {
    scriptList([0, 1, 3, 4]);
    expect(await upstream.execute(query, { environment, first: 1, after: cursorOf(2) })).toEqual(
      page([3], { next: true, previous: true }, 4),
    );
    expect(await upstream.execute(query, { environment, last: 1, before: cursorOf(2) })).toEqual(
      page([1], { next: true, previous: true }, 4),
    );
  });

  it('counts the rows that match the filter', async () => {
    upstream.upstream.script(() => ({
      data: range(5).map((index) => numberedVpn(index, 1, { state: index % 2 ? 'Error' : 'Connected' })),
    }));
    const filtered = `query ($environment: EnvironmentInput!) {
      siteToSiteVpns(environment: $environment, filter: { states: [CONNECTED] }, first: 2) {
        nodes { name } totalCount pageInfo { hasNextPage }
      }
    }`;
    expect(await upstream.execute(filtered, { environment })).toEqual({
      data: {
        siteToSiteVpns: {
          nodes: [{ name: nameOf(0) }, { name: nameOf(2) }],
          totalCount: 3,
          pageInfo: { hasNextPage: true },
        },
      },
    });
  });

  it.each([
    [{ first: 1, last: 1 }, combined],
    [{ first: 0, last: 0 }, combined],
    [{ first: -1 }, 'first must be from 0 to 1000.'],
    [{ last: -1 }, 'last must be from 0 to 1000.'],
    [{ first: 1001 }, 'first must be from 0 to 1000.'],
    [{ last: 1001 }, 'last must be from 0 to 1000.'],
    [{ last: -2147483648 }, 'last must be from 0 to 1000.'],
  ])('fails with BAD_USER_INPUT for %j, without a REST call', async (args, message) => {
    expect(await upstream.execute(query, { environment, ...args })).toEqual({
      data: { siteToSiteVpns: null },
      errors: [failure('BAD_USER_INPUT', ['siteToSiteVpns'], message)],
    });
    expect(upstream.calls()).toEqual([]);
  });

  const good = cursorOf(1);
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['empty', ''],
    ['garbage', 'cursor'],
    ['not base64', '!!!'],
    ['truncated', good.slice(0, -4)],
    ['extended', `${good}AA`],
    ['padded', `${good}==`],
    ['followed by a space', `${good} `],
    ['encoded twice', Buffer.from(good).toString('base64url')],
    ['not encoded', JSON.stringify(['siteToSiteVpn', nameOf(1), numberedId('vpn', 1)])],
    [
      'written with spaces',
      Buffer.from(`["siteToSiteVpn", "${nameOf(1)}","${numberedId('vpn', 1)}"]`).toString('base64url'),
    ],
    ['of another collection', cursorOf(1, 'vpc')],
    ['with an extra part', encode(['siteToSiteVpn', nameOf(1), numberedId('vpn', 1), 'more'])],
    ['with a missing part', encode(['siteToSiteVpn', nameOf(1)])],
    ['with parts of other types', encode(['siteToSiteVpn', 1, 2])],
    ['an object', encode({ 0: 'siteToSiteVpn', 1: nameOf(1), 2: numberedId('vpn', 1) })],
  ])('fails with BAD_USER_INPUT for a cursor that is %s, without a REST call', async (_, cursor) => {
    for (const argument of ['after', 'before']) {
      expect(await upstream.execute(query, { environment, [argument]: cursor })).toEqual({
        data: { siteToSiteVpns: null },
        errors: [
          failure(
            'BAD_USER_INPUT',
            ['siteToSiteVpns'],
            `${argument} is not a cursor of this list. Use a cursor from its pageInfo or edges.`,
          ),
        ],
      });
    }
    expect(upstream.calls()).toEqual([]);
  });
});

describe('VpcConnection', () => {
  it('rejects cursors of VPNs, and SiteToSiteVpnConnection rejects cursors of VPCs', async () => {
    upstream.upstream.script(() => ({ data: [numberedVpc(1), numberedVpc(2)] }));
    const vpcs = `query ($environment: EnvironmentInput!, $after: String) {
      vpcs(environment: $environment, first: 1, after: $after) { nodes { id } pageInfo { endCursor } }
    }`;
    const cursor = textAt(await upstream.execute(vpcs, { environment }), 'data', 'vpcs', 'pageInfo', 'endCursor');
    expect(await upstream.execute(vpcs, { environment, after: cursor })).toMatchObject({
      data: { vpcs: { nodes: [{ id: numberedId('vpc', 2) }] } },
    });
    expect(upstream.calls()).toHaveLength(2);
    expect(await upstream.execute(query, { environment, after: cursor })).toMatchObject({
      data: { siteToSiteVpns: null },
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(await upstream.execute(vpcs, { environment, after: cursorOf(1) })).toMatchObject({
      data: { vpcs: null },
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(upstream.calls()).toEqual([]);
  });
});

describe('Vpc.siteToSiteVpns', () => {
  const nested = `query ($environment: EnvironmentInput!, $first: Int, $last: Int, $after: String) {
    vpcs(environment: $environment) {
      nodes { id siteToSiteVpns(first: $first, last: $last, after: $after) { nodes { id } totalCount pageInfo { hasNextPage } } }
    }
  }`;

  it('pages the VPNs of each VPC, and accepts cursors of other lists of VPNs', async () => {
    upstream.upstream.script(({ url }) => ({
      data: url.endsWith('/vpcs')
        ? [numberedVpc(1), numberedVpc(2)]
        : range(6).map((index) => numberedVpn(index, 1 + (index % 2))),
    }));
    const vpns = (...indexes: number[]) => indexes.map((index) => ({ id: numberedId('vpn', index) }));
    expect(await upstream.execute(nested, { environment, first: 1, after: cursorOf(1) })).toEqual({
      data: {
        vpcs: {
          nodes: [
            {
              id: numberedId('vpc', 1),
              siteToSiteVpns: { nodes: vpns(2), totalCount: 3, pageInfo: { hasNextPage: true } },
            },
            {
              id: numberedId('vpc', 2),
              siteToSiteVpns: { nodes: vpns(3), totalCount: 3, pageInfo: { hasNextPage: true } },
            },
          ],
        },
      },
    });
  });

  it('fails with BAD_USER_INPUT for invalid arguments, and nullifies vpcs, without a read of VPNs', async () => {
    upstream.upstream.script(() => ({ data: [numberedVpc(1)] }));
    const body = await upstream.execute(nested, { environment, first: 1, last: 1 });
    expect(body).toEqual({
      data: { vpcs: null },
      errors: [failure('BAD_USER_INPUT', ['vpcs', 'nodes', 0, 'siteToSiteVpns'], combined)],
    });
    expect(upstream.calls()).toHaveLength(1);
  });
});
