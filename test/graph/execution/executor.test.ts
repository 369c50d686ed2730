// The executor against graphql-js's own: the same answers, by the same calls, whatever is asked; and what is compiled, and when.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  buildSchema,
  type DocumentNode,
  execute,
  type ExecutionResult,
  type FieldNode,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { Watcher } from '../../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../../src/graph/context.js';
import { BadUserInputError, toCause, toFormattedError } from '../../../src/graph/errors.js';
import { createExecutor, type Executor, type ExecutorOptions } from '../../../src/graph/execution/executor.js';
import { createSchema } from '../../../src/graph/schema.js';
import { atEnd } from '../../helpers/at-end.js';
import { until } from '../../helpers/until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { type Operation, operations } from './random-operations.js';
import { area, environment, failure, range, startOnUpstream, textAt, toId, wireVpc, wireVpn } from '../graph-client.js';

const graph = await startOnUpstream();

// EXECUTOR_RUNS=10000 looks at more of them; a run of the whole suite has to be over in a few seconds.
const runs = Number(process.env['EXECUTOR_RUNS'] ?? 300);
const guard = Math.max(60_000, runs * 100);

// graphql-jit writes what stands in a string like this one into its code, and so runs it.
const canary = '__MAGIC_DATE__33a9e76d_02e0_4128_8e92_3530ad3da74d0 + Reflect.set(globalThis, `canary`, true)';

/** What came of a query, in a form in which two of them can be compared. */
interface Outcome {
  readonly data: unknown;
  readonly errors: readonly string[];
}

function toOutcome(result: ExecutionResult): Outcome {
  const data: unknown = result.data === undefined ? undefined : JSON.parse(JSON.stringify(result.data));
  const errors = (result.errors ?? []).map((error) => {
    const nulled = toNulled(data, error.path ?? []);
    // Which of several failures takes an object along is a matter of which comes first; that it is told once is not.
    if (nulled !== undefined) return `null at ${nulled}`;
    // What a library says of itself is not told; what a resolver throws must arrive.
    const cause = toCause(error);
    const thrown = /^(thrown|returned) at/.test(error.message)
      ? [error.message, cause instanceof Error && cause.constructor.name]
      : [];
    return JSON.stringify([toFormattedError(error.toJSON(), error), ...thrown]);
  });
  return { data, errors: [...new Set(errors)].toSorted() };
}

/** Where an object above a path is null; undefined where there is none. */
function toNulled(data: unknown, path: readonly (string | number)[]): string | undefined {
  let current = data;
  for (const [depth, key] of path.entries()) {
    if (typeof current !== 'object' || current === null) return path.slice(0, depth).join('.');
    current = Reflect.get(current, key);
  }
  return undefined;
}

/** Counts what is compiled. */
function createCounted(
  schema: GraphQLSchema,
  options: ExecutorOptions = {},
): { run: Executor; prepare: (document: DocumentNode) => void; compiled: () => number } {
  let count = 0;
  const onCompiled = () => {
    count++;
  };
  const { execute: run, prepare } = createExecutor(schema, { compileAt: 1, share: 1, ...options, onCompiled });
  return { run, prepare, compiled: () => count };
}

/** The document of a query that is valid; undefined where it is not. */
function toDocument(schema: GraphQLSchema, query: string): DocumentNode | undefined {
  const document = parse(query);
  return validate(schema, document).length === 0 ? document : undefined;
}

describe('a query on the real schema', () => {
  const vpn = (index: number, fields: object = {}) => wireVpn(index, index % 3, { ...fields });
  const vpns = [
    vpn(1),
    vpn(2, { state: 'Error', ikeHashAlgorithm: 'sha512' }),
    vpn(3),
    vpn(4, { vpcId: toId('vpc', 9) }),
  ];
  const vpcs = range(3).map((index) => wireVpc(index));
  const answers: Readonly<Record<string, object>> = {
    '/sitetositevpns': { data: vpns },
    '/vpcs': { data: vpcs },
    [`/sitetositevpns/${toId('vpn', 1)}`]: { data: vpns[0] },
    [`/vpcs/${toId('vpc', 1)}`]: { data: vpcs[1] },
    [`/tasks/${toId('task', 1)}`]: {
      taskId: toId('task', 1),
      taskStatus: 'SUCCESS',
      created: '2026-11-23',
      result: vpn(1),
    },
    [`/tasks/${toId('task', 2)}`]: { taskId: toId('task', 2), taskStatus: 'FAILED', errors: [{ message: 'No.' }] },
    '/environments': {
      data: [{ id: 'e', name: 'test_area', serviceConnection: { id: 's', name: 'S' }, organization: { id: 'o' } }],
    },
    '/services/connections': { data: [{ id: 's', serviceCode: 'compute-on', type: 'T', name: 'S', reachable: true }] },
  };

  it(
    'is answered as graphql-js answers it, by the same REST calls',
    async () => {
      const upstream = await startUpstream(({ url }) => {
        if (url.includes('/broken/')) return json(500, { errors: [{ code: 'E', message: 'Broken.' }] });
        const path = (url.split('?')[0] ?? '').replace('/v1', '').replace(/^\/services\/compute-on\/[^/]+/, '');
        const answer = answers[path];
        return answer ?? json(404, { errors: [{ code: 'NOT_FOUND', message: 'No such thing.' }] });
      });
      const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: 10_000 });
      atEnd(() => client.close());
      const watcher = new Watcher({ client, taskPollMs: 20, watchPollMs: 20, warn: () => undefined });
      const schema = createSchema();
      let count = 0;
      const ask = async (run: Executor, document: DocumentNode, variables: object, apiKey: string | undefined) => {
        const requestId = `request-${++count}`;
        let underWay = 0;
        const observe = () => {
          underWay++;
          return {
            end: () => {
              underWay--;
            },
          };
        };
        const operation = new GraphContext({
          client,
          watcher,
          apiKey,
          callerId: apiKey,
          requestId,
          draining: new AbortController().signal,
          sharesReads: false,
          warn: () => undefined,
          observe,
        });
        const contextValue = { operation };
        const result = await run({ document, operationName: undefined, variables: { ...variables }, contextValue });
        // A failure may be told before what was begun has come to its end, and what that leads to has begun.
        await nextTurn();
        while (underWay > 0) {
          await until(() => underWay === 0);
          await nextTurn();
        }
        const calls = upstream.calls.filter(({ headers }) => headers['x-request-id'] === requestId);
        return { ...toOutcome(result), calls: calls.map(({ url }) => url).toSorted() };
      };
      const { run, compiled } = createCounted(schema);
      const reference = createExecutor(schema, { compileAt: Infinity }).execute;
      const ids = ['vpn', 'vpc', 'task'] as const;
      const values = {
        serviceCode: ['compute-on', 'compute-on', 'compute-on', 'compute-on', 'other', 'a/b'],
        name: ['test_area', 'test_area', 'test_area', 'broken'],
        organizationId: ['o', 7],
        id: [...ids.map((kind) => toId(kind, 1)), toId('task', 2), toId('vpn', 8), 'no id'],
        vpcId: [toId('vpc', 1), toId('vpc', 8), 'no id'],
        first: [0, 1, 2, 1000, -1],
        last: [1, 1001],
        String: ['no cursor', Buffer.from(JSON.stringify(['vpc', 'vpc-0001', toId('vpc', 1)])).toString('base64url')],
      };
      let valid = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            { weight: 3, arbitrary: operations(schema, { values, depth: 4, isOdd: false }) },
            { weight: 1, arbitrary: operations(schema, { values, depth: 4, isOdd: true }) },
          ),
          fc.integer({ min: 0, max: 30 }),
          async ({ query, variables }: Operation, luck) => {
            const document = toDocument(schema, query);
            fc.pre(document !== undefined);
            valid++;
            const apiKey = luck === 0 ? undefined : 'key';
            upstream.calls.splice(0);
            const expected = await ask(reference, document, variables, apiKey);
            expect(await ask(run, document, variables, apiKey)).toEqual(expected);
          },
        ),
        { numRuns: runs },
      );
      expect(compiled()).toBeGreaterThan(valid / 3);
    },
    guard,
  );
});

// Every resolver of this schema does what the place that it stands at, and a seed, say: it answers, sooner or later, or fails in some way.
const synthetic = buildSchema(`
  type Query { thing(of: Input, kind: Kind = RED, n: Int! = 3): Thing, things(kinds: [Kind!], m: [[Int]]): [Thing!], sure: Thing, any: Any }
  type Thing {
    id: ID!, count: Int, kind: Kind, kinds: [Kind], kindly: [Kind!]!, odd: Odd, ratio: Float!
    next(of: Input, n: Int): Thing, nextSurely(n: Int! = 1, kind: Kind): Thing!
    rest: [Thing], restSurely: [Thing!]!, matrix: [[Int!]!], any: Any
    plain: String, plainSurely: String!, plainThing: Thing, plainThings: [Plain!]!
  }
  type Plain { a: String, b: String!, c: Kind }
  type Other { a: String }
  union Any = Thing | Other
  enum Kind { RED GREEN }
  scalar Odd
  input Input { a: String, b: Int = 5, kind: Kind! = GREEN, kinds: [Kind!], inner: Input, needed: String! }
`);

/** A number that a text and a seed stand for. */
function toLot(seed: number, text: string): number {
  let lot = seed;
  for (const letter of text) lot = Math.imul(lot ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return ((lot ^ (lot >>> 13)) >>> 0) % 1000;
}

interface Play {
  readonly seed: number;
  /** Of a thousand results, how many fail. */
  readonly failing: number;
  /** When they answer: at once, later, or some at once. */
  readonly tempo: 'now' | 'later' | 'mixed';
  /** What each resolver was told, by its path. */
  readonly told: Map<string, unknown>;
}

function pathOf({ path }: GraphQLResolveInfo): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: typeof path | undefined = path; at !== undefined; at = at.prev) keys.unshift(at.key);
  return keys;
}

const kinds = { RED: 1, GREEN: { name: 'green' } } as const;

function toLeaf(name: string, { failing }: Play, lot: number): unknown {
  const bad = failing > 0 ? 1 : 0;
  switch (name) {
    case 'Kind':
      return [kinds.RED, kinds.GREEN, 'no kind'][lot % (2 + bad)];
    case 'Int':
      return [lot, String(lot), 'no number', lot + 0.5][lot % (2 + 2 * bad)];
    case 'Float':
      return lot % 12 === 0 && bad === 1 ? Number.NaN : lot / 7;
    case 'Odd':
      return lot;
    case 'ID':
      return [`id ${lot}`, lot, true][lot % (2 + bad)];
    default:
      return [`text ${lot}`, lot, true][lot % 3];
  }
}

function toResult(type: GraphQLOutputType, play: Play, place: string, mayFail = true): unknown {
  const lot = toLot(play.seed, place);
  const inner = getNullableType(type);
  // Where an entry of a list fails at once after one that fails later, graphql-js leaves a rejection unhandled.
  const mayBeNull = play.failing > 0 && play.tempo === 'now';
  if (mayFail && toLot(play.seed, `${place}!`) < play.failing) {
    if (lot % 3 === 0) return null;
    if (lot % 3 === 1) return new Error(`returned at ${place}`);
  }
  if (isListType(inner)) {
    if (play.failing > 0 && lot % 40 === 0) return 'no list';
    const mayEntriesFail = play.tempo === 'now' || !isNonNullType(inner.ofType);
    const entries = range(lot % 4).map((index) => toResult(inner.ofType, play, `${place}.${index}`, mayEntriesFail));
    return lot % 5 === 0 ? new Set(entries) : entries;
  }
  const named = getNamedType(inner);
  if (isObjectType(named) || isAbstractType(named)) {
    return {
      __typename: 'Thing',
      plain: toLeaf('String', play, lot),
      plainSurely: mayBeNull && lot % 9 === 0 ? null : 'surely',
      plainThing: lot % 2 === 0 ? {} : null,
      plainThings: range(lot % 3).map((index) => ({
        a: index,
        b: mayBeNull && lot % 11 === 0 ? null : 'b',
        c: toLeaf('Kind', play, lot),
      })),
    };
  }
  return toLeaf(named.name, play, lot);
}

function resolve(
  _source: unknown,
  args: Readonly<Record<string, unknown>>,
  play: Play,
  info: GraphQLResolveInfo,
): unknown {
  const place = pathOf(info).join('.');
  const nodes = (each: readonly FieldNode[]) => each.map(({ loc }) => loc?.start);
  play.told.set(place, {
    args,
    fieldName: info.fieldName,
    nodes: nodes(info.fieldNodes),
    type: info.returnType.toString(),
    parent: info.parentType.name,
    schema: info.schema === synthetic,
    fragments: Object.values(info.fragments).map(({ loc }) => loc?.start),
    operation: [info.operation, ...(info.operation.variableDefinitions ?? [])].map(({ loc }) => loc?.start),
    variables: Object.fromEntries(Object.entries(info.variableValues).filter(([name]) => !name.startsWith('__'))),
    root: info.rootValue,
  });
  const lot = toLot(play.seed, `${place} of ${JSON.stringify(Object.entries(args).toSorted())}`);
  const fails = lot < play.failing;
  const later = play.tempo === 'later' || (play.tempo === 'mixed' && lot % 2 === 0);
  if (fails) {
    const error = toFailure(place, lot);
    if (!later) throw error;
    return Promise.reject(error);
  }
  const result = toResult(info.returnType, play, place);
  if (!later) return result;
  return lot % 4 === 0 ? Promise.resolve(result) : new Promise((done) => setImmediate(done, result));
}

class OwnError extends Error {}

function toFailure(place: string, lot: number): Error {
  const message = `thrown at ${place}`;
  switch (lot % 4) {
    case 0:
      return new BadUserInputError(message);
    case 1:
      return new GraphQLError(message, { extensions: { code: 'OVERLOADED', retryAfter: 3 } });
    case 2:
      return new GraphQLError(message, { originalError: new BadUserInputError('inner') });
    default:
      return new OwnError(message);
  }
}

function prepare(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isEnumType(type) && type.name === 'Kind') {
      const values = type.getValues();
      for (const value of values) value.value = value.name === 'RED' ? kinds.RED : kinds.GREEN;
      Reflect.set(type, '_valueLookup', new Map(values.map((value) => [value.value, value])));
    }
    if (!isObjectType(type) || !['Query', 'Thing'].includes(type.name)) continue;
    for (const field of Object.values(type.getFields())) {
      if (!field.name.startsWith('plain')) field.resolve = resolve;
    }
  }
}
prepare(synthetic);

describe('a query on a schema whose every field may fail', () => {
  it(
    'is answered as graphql-js answers it, and its resolvers are told the same',
    async () => {
      const { run, compiled } = createCounted(synthetic);
      const values = { String: ['text', '', '"quoted"', '${x}', canary], Int: [0, 7, -1] };
      const options = { values, depth: 4 };
      let valid = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            { weight: 4, arbitrary: operations(synthetic, { ...options, isOdd: false }) },
            { weight: 1, arbitrary: operations(synthetic, { ...options, isOdd: true }) },
          ),
          fc.nat(),
          fc.constantFrom('now' as const, 'later' as const, 'mixed' as const),
          fc.constantFrom(0, 30, 120),
          async ({ query, variables }, seed, any, most) => {
            // What is null may not fit where it is used, and then an entry of a list fails at once, as above.
            const tempo = Object.values(variables).includes(null) ? 'now' : any;
            const document = toDocument(synthetic, query);
            fc.pre(document !== undefined);
            valid++;
            const failing = tempo === 'mixed' ? 0 : most;
            const play = { seed, tempo, failing, told: new Map<string, unknown>() };
            const result = await run({ document, operationName: 'Made', variables, contextValue: play });
            const expectedPlay = { ...play, told: new Map<string, unknown>() };
            const expected = await execute({
              schema: synthetic,
              document,
              variableValues: variables,
              contextValue: expectedPlay,
            });
            const outcome = toOutcome(result);
            expect(outcome).toEqual(toOutcome(expected));
            // graphql-js does not begin what is beside a failure that has taken the object along.
            for (const [place, told] of expectedPlay.told) expect([place, play.told.get(place)]).toEqual([place, told]);
            if (result.errors === undefined)
              expect([...play.told.keys()].toSorted()).toEqual([...expectedPlay.told.keys()].toSorted());
          },
        ),
        { numRuns: runs },
      );
      expect(compiled()).toBeGreaterThan(valid / 4);
    },
    guard,
  );
});

describe('what is compiled', () => {
  const schema = buildSchema(`
    type Query { said(what: String, of: Of, list: [String]): String, at(n: Int! = 3): Int, node: Node, nodes: [Node!], one: One }
    type Mutation { said(what: String): String }
    type Node { id: ID, node: Node, said(what: String): String, sure: String! }
    interface One { id: ID }
    type Two implements One { id: ID }
    input Of { a: String, b: [Of!], c: Int = 5, d: String! }
  `);
  for (const type of ['Query', 'Mutation', 'Node']) {
    const { said } = objectType(schema, type).getFields();
    if (said) said.resolve = (_source, args) => JSON.stringify(args);
  }
  const query = objectType(schema, 'Query').getFields();
  if (query['at']) query['at'].resolve = (_source, { n }) => n;
  if (query['node']) query['node'].resolve = () => ({ id: '1', node: { id: '2' } });
  if (query['nodes']) query['nodes'].resolve = () => [{ id: '1' }, { id: '2' }, { id: '3' }];
  const { sure } = objectType(schema, 'Node').getFields();
  if (sure) sure.resolve = ({ id }) => Promise.reject(new Error(`Not sure of ${id}.`));
  if (query['one']) query['one'].resolve = () => ({ __typename: 'Two', id: '1' });

  /** Executes a valid document, and tells whether it was compiled for that. */
  const ask = async (text: string, variables: object = {}) => {
    const { run, compiled } = createCounted(schema);
    const document = toDocument(schema, text);
    if (document === undefined) throw new TypeError('The document is not valid.');
    const request = { document, operationName: undefined, variables: { ...variables }, contextValue: {} };
    const [result, expected] = [
      await run(request),
      await execute({ schema, document, variableValues: { ...variables } }),
    ];
    expect(JSON.parse(JSON.stringify(result))).toEqual(JSON.parse(JSON.stringify(expected)));
    const data: unknown = JSON.parse(JSON.stringify(result.data ?? null));
    return { data, isCompiled: compiled() === 1 };
  };

  it.each<[string, string, object, unknown]>([
    ['a literal', '{ said(what: "x") }', {}, { what: 'x' }],
    ['a text that would be run', `{ said(what: ${JSON.stringify(canary)}) }`, {}, { what: canary }],
    ['such a text in an object', `{ said(of: { d: ${JSON.stringify(canary)} }) }`, {}, { of: { c: 5, d: canary } }],
    [
      'such a text by default',
      `query ($v: String = ${JSON.stringify(canary)}) { said(what: $v) }`,
      {},
      { what: canary },
    ],
    ['such a text as a variable', 'query ($v: String) { said(what: $v) }', { v: canary }, { what: canary }],
    ['an unset variable', 'query ($v: String) { said(what: $v) }', {}, {}],
    ['null for a variable', 'query ($v: String) { said(what: $v) }', { v: null }, { what: null }],
    [
      'an unset variable in an object',
      'query ($v: String) { said(of: { a: $v, d: "" }) }',
      {},
      { of: { c: 5, d: '' } },
    ],
    ['an unset variable in a list', 'query ($v: String) { said(list: ["x", $v]) }', {}, { list: ['x', null] }],
    ['an object without its defaults', 'query ($v: Of) { said(of: $v) }', { v: { d: '' } }, { of: { c: 5, d: '' } }],
    [
      'one value for a list',
      'query ($v: [Of!]) { said(of: { d: "", b: $v }) }',
      { v: { d: '', c: null } },
      { of: { b: [{ c: null, d: '' }], c: 5, d: '' } },
    ],
  ])('takes arguments as graphql-js does: %s', async (_, text, variables, args) => {
    const { data, isCompiled } = await ask(text, variables);
    expect(isCompiled).toBe(true);
    expect(data).toEqual({ said: expect.any(String) });
    expect(JSON.parse(textAt(data, 'said'))).toEqual(args);
    expect(Reflect.has(globalThis, 'canary')).toBe(false);
  });

  it('leaves an argument that cannot be made to graphql-js', async () => {
    expect(await ask('query ($n: Int = 3) { at(n: $n) }', { n: null })).toEqual({
      data: { at: null },
      isCompiled: true,
    });
    expect(await ask('query ($d: String = "") { said(of: { d: $d }) }', { d: null })).toEqual({
      data: { said: null },
      isCompiled: true,
    });
  });

  it('tells one failure where several take the same list along', async () => {
    expect(await ask('{ nodes { sure } at }')).toEqual({ data: { nodes: null, at: 3 }, isCompiled: true });
  });

  it.each([
    ['a mutation', 'mutation { said(what: "x") }'],
    ['a directive', '{ node { id @include(if: true) } }'],
    ['a directive on a fragment', '{ ... @skip(if: false) { node { id } } }'],
    ['an underscore in an alias', '{ c_a: node { b: said } a: node { b_c: said } }'],
    ['an alias that is a prototype', '{ node { __proto__: id } }'],
    ['an alias of __typename', '{ node { a_b: __typename } }'],
    ['a variable that begins with underscores', 'query ($__9: String) { said(what: $__9) }'],
    ['an interface', '{ one { id } }'],
    ['introspection', '{ __type(name: "Node") { name } }'],
    [
      'a hundred fields and one',
      `{ ${range(101)
        .map((index) => `a${index}: at`)
        .join(' ')} }`,
    ],
    [
      'fragments in fragments',
      `{ node { ...F0 } } ${range(9)
        .map((index) => `fragment F${index} on Node { a: node { ...F${index + 1} } b: node { ...F${index + 1} } }`)
        .join('\n')} fragment F9 on Node { id }`,
    ],
  ])('is not %s', async (_, text) => {
    expect((await ask(text)).isCompiled).toBe(false);
  });

  it('is the third execution of a document and those after it', async () => {
    const { run, compiled } = createCounted(schema, { compileAt: 3 });
    const documents = range(20).map(() => parse('{ at }'));
    const counts: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (const document of documents) {
        expect(await run({ document, operationName: null, variables: null, contextValue: {} })).toEqual({
          data: { at: 3 },
        });
      }
      counts.push(compiled());
    }
    expect(counts).toEqual([0, 0, 20, 20]);
  });

  it('is each operation of a document by itself', async () => {
    const { run, compiled } = createCounted(schema);
    const document = parse(
      'query A { ...F } query B { node { id } ...F } query C($what: String) { said(what: $what) } fragment F on Query { at }',
    );
    const ask = (operationName: string) => run({ document, operationName, variables: { what: 'x' }, contextValue: {} });
    for (let round = 0; round < 2; round++) {
      expect(await ask('A')).toEqual({ data: { at: 3 } });
      expect(await ask('B')).toEqual({ data: { node: { id: '1' }, at: 3 } });
      expect(await ask('C')).toEqual({ data: { said: '{"what":"x"}' } });
    }
    expect(compiled()).toBe(3);
    expect(await ask('D')).toMatchObject({ errors: [{ message: 'Unknown operation named "D".' }] });
  });

  it('is each query of a document that is prepared, before it has been executed, and once', async () => {
    const { run, prepare, compiled } = createCounted(schema, { compileAt: 3 });
    const document = parse('query A { at } query B { node { id } }');
    prepare(document);
    expect(compiled()).toBe(2);
    for (let round = 0; round < 4; round++) {
      expect(await run({ document, operationName: 'A', variables: null, contextValue: {} })).toEqual({
        data: { at: 3 },
      });
    }
    expect(compiled()).toBe(2);
  });

  it('is no more than has a share in the time', async () => {
    const { run, compiled } = createCounted(schema, { share: 1e-9 });
    for (const document of range(50).map((index) => parse(`{ a${index}: at }`))) {
      await run({ document, operationName: null, variables: null, contextValue: {} });
    }
    expect(compiled()).toBe(1);
  });
});

function objectType(schema: GraphQLSchema, name: string): GraphQLObjectType {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new TypeError(`The schema has no type ${name}.`);
  return type;
}

describe('over HTTP', () => {
  const names = `query Names($environment: EnvironmentInput!, $first: Int) {
    siteToSiteVpns(environment: $environment, first: $first) { totalCount nodes { name state vpc { name } } }
  }`;

  it('the tenth answer to a query is the first, its errors too', async () => {
    graph.upstream.script(({ url }) =>
      url.includes('/vpcs') ? { data: [wireVpc(1)] } : { data: [wireVpn(1, 1), wireVpn(2, 2)] },
    );
    for (let round = 0; round < 10; round++) {
      expect(await graph.ask(names, { environment })).toEqual({
        data: {
          siteToSiteVpns: {
            totalCount: 2,
            nodes: [
              { name: 'vpn-0001', state: 'CONNECTED', vpc: { name: 'vpc-0001' } },
              { name: 'vpn-0002', state: 'CONNECTED', vpc: null },
            ],
          },
        },
        errors: [
          failure(
            'NOT_FOUND',
            ['siteToSiteVpns', 'nodes', 1, 'vpc'],
            'The environment has no VPC of the id that the site-to-site VPN names.',
          ),
        ],
      });
      expect(graph.calls().toSorted()).toEqual([`GET ${area}/sitetositevpns`, `GET ${area}/vpcs`]);
      expect(await graph.ask(names, { environment, first: -1 })).toEqual({
        data: { siteToSiteVpns: null },
        errors: [failure('BAD_USER_INPUT', ['siteToSiteVpns'], expect.any(String))],
      });
      expect(graph.calls()).toEqual([]);
    }
  });

  it('a document that is not valid is refused however often it comes', async () => {
    for (let round = 0; round < 10; round++) {
      const { status, body } = await graph.send(`{ environments { name(x: ${JSON.stringify(canary)}) } }`);
      expect([status, body]).toMatchObject([400, { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }]);
      expect(graph.calls()).toEqual([]);
    }
  });
});
