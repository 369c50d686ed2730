// The connections: order, pages and cursors, as a property of the pages themselves and over HTTP.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Connection,
  inOrder,
  PageArgs,
  type Row,
  toConnection,
  toPage,
  wholeList,
} from '../../src/graph/connection.js';
import { environment, failure, range, startOnUpstream, textAt, toId, wireVpc, wireVpn } from './graph-client.js';

type Args = Partial<Record<'first' | 'last', number> & Record<'after' | 'before', string>>;

function ask(rows: readonly Row[], args: Args): Connection<Row> {
  return toConnection('row', inOrder(rows), toPage('row', Object.assign(new PageArgs(), args)));
}

// Names that tell an order by code units from one by code points, by case or by language, and that are alike.
const name = fc.oneof(
  fc.constantFrom('', 'a', 'B', 'b', 'é', 'e\u0301', 'Z', 'z', '\uff5e', '\u{1f310}', '\ud83c', 'a"b', '10', '9'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const id = fc.integer({ min: 0, max: 40 }).map(String);
const row: fc.Arbitrary<Row> = fc.record({ id, name });
const rows = fc.uniqueArray(row, { selector: ({ id: key }) => key, maxLength: 30 });

// The model: names and ids code unit by code unit.
function precedes(a: Row, b: Row): boolean {
  const units = (text: string) => range(text.length).map((index) => text.charCodeAt(index));
  const [left, right] = a.name === b.name ? [units(a.id), units(b.id)] : [units(a.name), units(b.name)];
  const differing = left.findIndex((unit, index) => unit !== right[index]);
  if (differing < 0) return left.length < right.length;
  return differing >= right.length ? false : (left[differing] ?? 0) < (right[differing] ?? 0);
}

describe('inOrder', () => {
  it('orders by name, code unit by code unit, then by id', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const ordered = inOrder(given);
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

  it('puts an astral character before U+FF5E, capitals before small letters, and 10 before 9', () => {
    const given = ['\uff5e', '\u{1f310}', 'a', 'B', '9', '10', ''].map((each) => ({ id: '1', name: each }));
    expect(inOrder(given).map((each) => each.name)).toEqual(['', '10', '9', 'B', 'a', '\u{1f310}', '\uff5e']);
  });
});

describe('toConnection', () => {
  // What is done to the list between two pages.
  const change = fc.record({ inserted: fc.array(row, { maxLength: 3 }), removed: fc.array(id, { maxLength: 3 }) });

  it.each([
    ['forwards', 'first', 'after'],
    ['backwards', 'last', 'before'],
  ] as const)(
    'shows each row that stays exactly once, walked %s, whatever comes and goes',
    (way, count, cursorName) => {
      const walk = fc.record({
        start: rows,
        sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        changes: fc.array(change, { maxLength: 40 }),
      });
      fc.assert(
        fc.property(walk, ({ start, sizes, changes }) => {
          let present: readonly Row[] = start;
          const stays = new Map(start.map((each) => [each.id, each]));
          const seen: Row[] = [];
          let cursor: string | null = null;
          for (let turn = 0; ; turn++) {
            // More pages than there can be rows: it would never end.
            expect(turn).toBeLessThan(300);
            const args = { [count]: sizes[turn % sizes.length], ...(cursor === null ? {} : { [cursorName]: cursor }) };
            const page = ask(present, args);
            seen.push(...(way === 'forwards' ? page.nodes : page.nodes.toReversed()));
            if (!(way === 'forwards' ? page.pageInfo.hasNextPage : page.pageInfo.hasPreviousPage)) break;
            cursor = way === 'forwards' ? page.pageInfo.endCursor : page.pageInfo.startCursor;
            const { inserted = [], removed = [] } = changes[turn] ?? {};
            for (const key of removed) stays.delete(key);
            const known = new Set([...present, ...seen].map((each) => each.id));
            const arrived = inserted.filter(
              (each, index) => !known.has(each.id) && inserted.findIndex((other) => other.id === each.id) === index,
            );
            present = [...present.filter((each) => !removed.includes(each.id)), ...arrived];
          }
          // In order and none twice; all that were there from beginning to end.
          const inItsOrder = way === 'forwards' ? seen : seen.toReversed();
          for (const [index, current] of inItsOrder.entries()) {
            const next = inItsOrder[index + 1];
            if (next !== undefined) expect(precedes(current, next)).toBe(true);
          }
          expect(seen).toEqual(expect.arrayContaining([...stays.values()]));
        }),
      );
    },
  );

  it('is the slice that a model takes, whatever the arguments, with exact hasNextPage and hasPreviousPage', () => {
    const size = fc.integer({ min: 0, max: 8 });
    const place = fc.option(row, { nil: undefined });
    const counts = fc.oneof(
      fc.constant({}),
      size.map((first) => ({ first })),
      size.map((last) => ({ last })),
    );
    fc.assert(
      fc.property(rows, place, place, counts, (given, after, before, count: { first?: number; last?: number }) => {
        const cursorOf = (each: Row) => ask([each], {}).edges[0]?.cursor ?? '';
        const connection = ask(given, {
          ...count,
          ...(after && { after: cursorOf(after) }),
          ...(before && { before: cursorOf(before) }),
        });
        const ordered = inOrder(given);
        const between = ordered.filter(
          (each) => (!after || precedes(after, each)) && (!before || precedes(each, before)),
        );
        const { first = between.length, last = first } = count;
        const expected = count.last === undefined ? between.slice(0, first) : last === 0 ? [] : between.slice(-last);
        expect(connection.nodes).toEqual(expected);
        expect(connection.totalCount).toBe(given.length);
        expect(connection.edges).toEqual(expected.map((node) => ({ node, cursor: cursorOf(node) })));
        const [begin, end] = [expected.at(0), expected.at(-1)];
        expect(connection.pageInfo.startCursor).toBe(begin ? cursorOf(begin) : null);
        expect(connection.pageInfo.endCursor).toBe(end ? cursorOf(end) : null);
        if (begin && end) {
          expect(connection.pageInfo.hasPreviousPage).toBe(ordered.some((each) => precedes(each, begin)));
          expect(connection.pageInfo.hasNextPage).toBe(ordered.some((each) => precedes(end, each)));
        }
      }),
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
  Buffer.from(JSON.stringify([collection, nameOf(index), toId('vpn', index)])).toString('base64url');

/** The whole answer that has these rows. */
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

/** The REST API lists these VPNs, last first. */
function list(indexes: readonly number[]): void {
  upstream.upstream.script(() => ({ data: indexes.toReversed().map((index) => wireVpn(index, 1)) }));
}

const both = 'Ask for first or for last, not for both.';

describe('A page', () => {
  // V8 would keep it, and all that it reaches.
  it('has no getter of its own', () => {
    const page = toConnection('thing', [{ id: '1', name: 'one' }], wholeList);
    const own = Object.values(Object.getOwnPropertyDescriptors(page));
    expect(own.filter((property) => 'get' in property)).toEqual([]);
    expect(page.edges).toHaveLength(1);
  });
});

describe('SiteToSiteVpnConnection', () => {
  it.each([
    ['nothing', {}, [0, 1, 2, 3, 4], { next: false, previous: false }],
    ['null for each argument', { first: null, last: null, after: null, before: null }, [0, 1, 2, 3, 4], undefined],
    ['first: 0', { first: 0 }, [], { next: true, previous: false }],
    ['last: 0', { last: 0 }, [], { next: false, previous: true }],
    ['first: 2', { first: 2 }, [0, 1], { next: true, previous: false }],
    ['first: 5', { first: 5 }, [0, 1, 2, 3, 4], undefined],
    ['first: 1000', { first: 1000 }, [0, 1, 2, 3, 4], undefined],
    ['last: 1000', { last: 1000 }, [0, 1, 2, 3, 4], undefined],
    ['last: 2', { last: 2 }, [3, 4], { next: false, previous: true }],
    ['after alone', { after: cursorOf(1) }, [2, 3, 4], { next: false, previous: true }],
    ['before alone', { before: cursorOf(1) }, [0], { next: true, previous: false }],
    ['first and after', { first: 2, after: cursorOf(0) }, [1, 2], { next: true, previous: true }],
    ['first and before', { first: 1, before: cursorOf(3) }, [0], { next: true, previous: false }],
    ['last and before', { last: 2, before: cursorOf(3) }, [1, 2], { next: true, previous: true }],
    ['last and after', { last: 1, after: cursorOf(1) }, [4], { next: false, previous: true }],
    ['after and before', { after: cursorOf(0), before: cursorOf(4) }, [1, 2, 3], { next: true, previous: true }],
    [
      'last between after and before',
      { last: 1, after: cursorOf(0), before: cursorOf(4) },
      [3],
      { next: true, previous: true },
    ],
    ['after behind before', { after: cursorOf(3), before: cursorOf(1) }, [], { next: true, previous: true }],
    ['after the last', { after: cursorOf(4) }, [], { next: false, previous: true }],
    ['before the first', { before: cursorOf(0) }, [], { next: true, previous: false }],
  ] as const)('answers %s', async (_, args, indexes, pages = { next: false, previous: false }) => {
    list([0, 1, 2, 3, 4]);
    expect(await upstream.ask(query, { environment, ...args })).toEqual(page(indexes, pages));
    expect(upstream.calls()).toHaveLength(1);
  });

  it('answers all of more than a thousand where neither first nor last is given', async () => {
    list(range(1001));
    const body = await upstream.ask(query, { environment });
    expect(body).toEqual(page(range(1001), { next: false, previous: false }, 1001));
    expect(await upstream.ask(query, { environment, first: 1000 })).toEqual(
      page(range(1000), { next: true, previous: false }, 1001),
    );
  });

  it('goes on from a cursor whose row is gone, in both directions', async () => {
    list([0, 1, 3, 4]);
    expect(await upstream.ask(query, { environment, first: 1, after: cursorOf(2) })).toEqual(
      page([3], { next: true, previous: true }, 4),
    );
    expect(await upstream.ask(query, { environment, last: 1, before: cursorOf(2) })).toEqual(
      page([1], { next: true, previous: true }, 4),
    );
  });

  it('counts what the filter leaves', async () => {
    upstream.upstream.script(() => ({
      data: range(5).map((index) => wireVpn(index, 1, { state: index % 2 ? 'Error' : 'Connected' })),
    }));
    const filtered = `query ($environment: EnvironmentInput!) {
      siteToSiteVpns(environment: $environment, filter: { states: [CONNECTED] }, first: 2) {
        nodes { name } totalCount pageInfo { hasNextPage }
      }
    }`;
    expect(await upstream.ask(filtered, { environment })).toEqual({
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
    [{ first: 1, last: 1 }, both],
    [{ first: 0, last: 0 }, both],
    [{ first: -1 }, 'first must be from 0 to 1000.'],
    [{ last: -1 }, 'last must be from 0 to 1000.'],
    [{ first: 1001 }, 'first must be from 0 to 1000.'],
    [{ last: 1001 }, 'last must be from 0 to 1000.'],
    [{ last: -2147483648 }, 'last must be from 0 to 1000.'],
  ])('is BAD_USER_INPUT for %j, without a REST call', async (args, message) => {
    expect(await upstream.ask(query, { environment, ...args })).toEqual({
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
    ['no base64', '!!!'],
    ['truncated', good.slice(0, -4)],
    ['lengthened', `${good}AA`],
    ['padded', `${good}==`],
    ['followed by a space', `${good} `],
    ['encoded once more', Buffer.from(good).toString('base64url')],
    ['not encoded', JSON.stringify(['siteToSiteVpn', nameOf(1), toId('vpn', 1)])],
    ['written with spaces', Buffer.from(`["siteToSiteVpn", "${nameOf(1)}","${toId('vpn', 1)}"]`).toString('base64url')],
    ['of another collection', cursorOf(1, 'vpc')],
    ['of one part more', encode(['siteToSiteVpn', nameOf(1), toId('vpn', 1), 'more'])],
    ['of one part less', encode(['siteToSiteVpn', nameOf(1)])],
    ['of other types', encode(['siteToSiteVpn', 1, 2])],
    ['an object', encode({ 0: 'siteToSiteVpn', 1: nameOf(1), 2: toId('vpn', 1) })],
  ])('is BAD_USER_INPUT for a cursor that is %s, without a REST call', async (_, cursor) => {
    for (const argument of ['after', 'before']) {
      expect(await upstream.ask(query, { environment, [argument]: cursor })).toEqual({
        data: { siteToSiteVpns: null },
        errors: [
          failure(
            'BAD_USER_INPUT',
            ['siteToSiteVpns'],
            `${argument} is not a cursor of this list. Take it from pageInfo or from an edge.`,
          ),
        ],
      });
    }
    expect(upstream.calls()).toEqual([]);
  });
});

describe('VpcConnection', () => {
  it('does not take a cursor of VPNs, nor the list of VPNs one of VPCs', async () => {
    upstream.upstream.script(() => ({ data: [wireVpc(1), wireVpc(2)] }));
    const vpcs = `query ($environment: EnvironmentInput!, $after: String) {
      vpcs(environment: $environment, first: 1, after: $after) { nodes { id } pageInfo { endCursor } }
    }`;
    const cursor = textAt(await upstream.ask(vpcs, { environment }), 'data', 'vpcs', 'pageInfo', 'endCursor');
    expect(await upstream.ask(vpcs, { environment, after: cursor })).toMatchObject({
      data: { vpcs: { nodes: [{ id: toId('vpc', 2) }] } },
    });
    expect(upstream.calls()).toHaveLength(2);
    expect(await upstream.ask(query, { environment, after: cursor })).toMatchObject({
      data: { siteToSiteVpns: null },
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
    expect(await upstream.ask(vpcs, { environment, after: cursorOf(1) })).toMatchObject({
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

  it('pages the VPNs of each VPC, and takes cursors of other lists of VPNs', async () => {
    upstream.upstream.script(({ url }) => ({
      data: url.endsWith('/vpcs') ? [wireVpc(1), wireVpc(2)] : range(6).map((index) => wireVpn(index, 1 + (index % 2))),
    }));
    const vpns = (...indexes: number[]) => indexes.map((index) => ({ id: toId('vpn', index) }));
    expect(await upstream.ask(nested, { environment, first: 1, after: cursorOf(1) })).toEqual({
      data: {
        vpcs: {
          nodes: [
            {
              id: toId('vpc', 1),
              siteToSiteVpns: { nodes: vpns(2), totalCount: 3, pageInfo: { hasNextPage: true } },
            },
            {
              id: toId('vpc', 2),
              siteToSiteVpns: { nodes: vpns(3), totalCount: 3, pageInfo: { hasNextPage: true } },
            },
          ],
        },
      },
    });
  });

  it('is BAD_USER_INPUT, and takes its VPC along, where its arguments are bad: no list of VPNs is asked for', async () => {
    upstream.upstream.script(() => ({ data: [wireVpc(1)] }));
    const body = await upstream.ask(nested, { environment, first: 1, last: 1 });
    expect(body).toEqual({
      data: { vpcs: null },
      errors: [failure('BAD_USER_INPUT', ['vpcs', 'nodes', 0, 'siteToSiteVpns'], both)],
    });
    expect(upstream.calls()).toHaveLength(1);
  });
});
