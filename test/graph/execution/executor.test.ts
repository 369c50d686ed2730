// Compares the executor with graphql-js for random queries: same results, same REST calls.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  buildSchema,
  type DocumentNode,
  execute,
  type ExecutionResult,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { Watcher } from '../../../src/cloudca/polling/watcher.js';
import { GraphContext } from '../../../src/graph/context.js';
import { BadUserInputError, unwrapError, formatGraphqlError } from '../../../src/graph/errors.js';
import { createExecutor, type Executor } from '../../../src/graph/execution/executor.js';
import { createSchema } from '../../../src/graph/schema.js';
import { addCleanup } from '../../helpers/cleanup.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { json, startUpstream } from '../../helpers/upstream.js';
import { canary, createCountingExecutor, parseValid, toRequest } from './counting-executor.js';
import { type Operation, operations } from './random-operations.js';
import { environment, environmentPath, numberedId, numberedVpc, numberedVpn, range } from '../../helpers/fixtures.js';
import { deadlineMs, failure, startOnUpstream } from '../graph-client.js';

const graph = await startOnUpstream();

// EXECUTOR_RUNS=10000 runs more. The default keeps the whole suite fast.
const runs = Number(process.env['EXECUTOR_RUNS'] ?? 200);
const timeoutMs = Math.max(180_000, runs * 100);

/** A result in a form that can be compared. */
interface Outcome {
  readonly data: unknown;
  readonly errors: readonly string[];
}

function toOutcome(result: ExecutionResult): Outcome {
  const data: unknown = result.data === undefined ? undefined : JSON.parse(JSON.stringify(result.data));
  const errors = (result.errors ?? []).map((error) => {
    const nullifiedPath = toNullifiedPath(data, error.path ?? []);
    // Any of several failing fields may nullify an object, depending on timing. Only the object is compared.
    if (nullifiedPath !== undefined) return `null at ${nullifiedPath}`;
    // Messages of the two libraries differ, and formatGraphqlError hides them. Errors of resolvers must be the same.
    const cause = unwrapError(error);
    const thrown = /^(thrown|returned) at/.test(error.message)
      ? [error.message, cause instanceof Error && cause.constructor.name]
      : [];
    return JSON.stringify([formatGraphqlError(error.toJSON(), error), ...thrown]);
  });
  return { data, errors: [...new Set(errors)].toSorted() };
}

/** Returns the prefix of a path at which an object is null, or undefined if there is none. */
function toNullifiedPath(data: unknown, path: readonly (string | number)[]): string | undefined {
  let current = data;
  for (const [depth, key] of path.entries()) {
    if (typeof current !== 'object' || current === null) return path.slice(0, depth).join('.');
    current = Reflect.get(current, key);
  }
  return undefined;
}

/** Returns the share of valid random queries that are compiled, of the same 100 queries each time. */
function toCompiledShare(schema: GraphQLSchema, arbitrary: fc.Arbitrary<Operation>): number {
  const { compileAhead, compiledCount } = createCountingExecutor(schema);
  const queries = fc.sample(arbitrary, { numRuns: 100, seed: 1 }).map(({ query }) => parseValid(schema, query));
  const documents = queries.filter((document) => document !== undefined);
  documents.forEach(compileAhead);
  return compiledCount() / documents.length;
}

describe('Executor on the schema of the gateway', () => {
  const vpn = (index: number, fields: object = {}) => numberedVpn(index, index % 3, { ...fields });
  const vpns = [
    vpn(1),
    vpn(2, { state: 'Error', ikeHashAlgorithm: 'sha512' }),
    vpn(3),
    vpn(4, { vpcId: numberedId('vpc', 9) }),
  ];
  const vpcs = range(3).map((index) => numberedVpc(index));
  const responses: Readonly<Record<string, object>> = {
    '/sitetositevpns': { data: vpns },
    '/vpcs': { data: vpcs },
    [`/sitetositevpns/${numberedId('vpn', 1)}`]: { data: vpns[0] },
    [`/vpcs/${numberedId('vpc', 1)}`]: { data: vpcs[1] },
    [`/tasks/${numberedId('task', 1)}`]: {
      taskId: numberedId('task', 1),
      taskStatus: 'SUCCESS',
      created: '2026-11-23',
      result: vpn(1),
    },
    [`/tasks/${numberedId('task', 2)}`]: {
      taskId: numberedId('task', 2),
      taskStatus: 'FAILED',
      errors: [{ message: 'No.' }],
    },
    '/environments': {
      data: [{ id: 'e', name: 'test_area', serviceConnection: { id: 's', name: 'S' }, organization: { id: 'o' } }],
    },
    '/services/connections': { data: [{ id: 's', serviceCode: 'compute-on', type: 'T', name: 'S', reachable: true }] },
  };

  const schema = createSchema();
  const ids = ['vpn', 'vpc', 'task'] as const;
  const values = {
    serviceCode: ['compute-on', 'compute-on', 'compute-on', 'compute-on', 'other', 'a/b'],
    name: ['test_area', 'test_area', 'test_area', 'broken'],
    organizationId: ['o', 7],
    id: [...ids.map((kind) => numberedId(kind, 1)), numberedId('task', 2), numberedId('vpn', 8), 'not an id'],
    vpcId: [numberedId('vpc', 1), numberedId('vpc', 8), 'not an id'],
    first: [0, 1, 2, 1000, -1],
    last: [1, 1001],
    String: [
      'not a cursor',
      Buffer.from(JSON.stringify(['vpc', 'vpc-0001', numberedId('vpc', 1)])).toString('base64url'),
    ],
  };
  const randomOperations = fc.oneof(
    { weight: 3, arbitrary: operations(schema, { values, depth: 4, isUncompilable: false }) },
    { weight: 1, arbitrary: operations(schema, { values, depth: 4, isUncompilable: true }) },
  );

  it('compiles more than a third of random queries', () => {
    expect(toCompiledShare(schema, randomOperations)).toBeGreaterThan(1 / 3);
  });

  it(
    'returns the same results as graphql-js, with the same REST calls',
    async () => {
      const upstream = await startUpstream(({ url }) => {
        if (url.includes('/broken/')) return json(500, { errors: [{ code: 'E', message: 'Broken.' }] });
        const path = (url.split('?')[0] ?? '').replace('/v1', '').replace(/^\/services\/compute-on\/[^/]+/, '');
        return responses[path] ?? json(404, { errors: [{ code: 'NOT_FOUND', message: 'Not found.' }] });
      });
      const client = new CloudcaClient({ baseUrl: upstream.url, timeoutMs: deadlineMs });
      addCleanup(() => client.close());
      const watcher = new Watcher({ client, taskPollMs: 20, watchPollMs: 20, warn: () => undefined });
      let count = 0;
      const executeWith = async (
        run: Executor,
        document: DocumentNode,
        variables: object,
        apiKey: string | undefined,
      ) => {
        const requestId = `request-${++count}`;
        let inFlight = 0;
        const observe = () => {
          inFlight++;
          return {
            end: () => {
              inFlight--;
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
          coalesceReads: false,
          maxResultFields: 0,
          warn: () => undefined,
          observe,
        });
        const contextValue = { operation };
        const request = toRequest(schema, document, { variables: { ...variables }, contextValue });
        fc.pre(request !== undefined);
        const result = await run(request);
        // A failure may end the operation before calls in flight have ended, and those may lead to more calls.
        await nextTurn();
        while (inFlight > 0) {
          await waitUntil(() => inFlight === 0);
          await nextTurn();
        }
        const calls = upstream.calls.filter(({ headers }) => headers['x-request-id'] === requestId);
        return { ...toOutcome(result), calls: calls.map(({ url }) => url).toSorted() };
      };
      const { run } = createCountingExecutor(schema);
      const reference = createExecutor(schema, { compileAt: Infinity }).execute;
      await fc.assert(
        fc.asyncProperty(
          randomOperations,
          fc.integer({ min: 0, max: 30 }),
          async ({ query, variables }: Operation, keyNumber) => {
            const document = parseValid(schema, query);
            fc.pre(document !== undefined);
            const apiKey = keyNumber === 0 ? undefined : 'key';
            upstream.calls.splice(0);
            const expected = await executeWith(reference, document, variables, apiKey);
            expect(await executeWith(run, document, variables, apiKey)).toEqual(expected);
          },
        ),
        { numRuns: runs },
      );
    },
    timeoutMs,
  );
});

// In this schema, path and seed determine the behaviour of each resolver: it returns at once, returns later, or fails.
const synthetic = buildSchema(`
  type Query { thing(of: Input, kind: Kind = RED, n: Int! = 3): Thing, things(kinds: [Kind!], m: [[Int]]): [Thing!], single: Thing, any: Any }
  type Thing {
    id: ID!, count: Int, kind: Kind, kinds: [Kind], kindsNonNull: [Kind!]!, custom: Custom, ratio: Float!
    next(of: Input, n: Int): Thing, nextNonNull(n: Int! = 1, kind: Kind): Thing!
    rest: [Thing], restNonNull: [Thing!]!, matrix: [[Int!]!], any: Any
    plain: String, plainNonNull: String!, plainThing: Thing, plainThings: [Plain!]!
  }
  type Plain { a: String, b: String!, c: Kind }
  type Other { a: String }
  union Any = Thing | Other
  enum Kind { RED GREEN }
  scalar Custom
  input Input { a: String, b: Int = 5, kind: Kind! = GREEN, kinds: [Kind!], inner: Input, needed: String! }
`);

/** Returns a number from 0 to 999 that depends on a seed and a text only. */
function toHash(seed: number, text: string): number {
  let hash = seed;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) % 1000;
}

/** How the resolvers behave. */
interface Behaviour {
  readonly seed: number;
  /** Failures per thousand results. */
  readonly failureRate: number;
  /** When resolvers return: at once, later, or some at once and some later. */
  readonly timing: 'now' | 'later' | 'mixed';
  /** Parameters of each resolver call, by path. */
  readonly calls: Map<string, unknown>;
}

function toPath({ path }: GraphQLResolveInfo): string {
  const keys: (string | number)[] = [];
  for (let current: typeof path | undefined = path; current !== undefined; current = current.prev)
    keys.unshift(current.key);
  return keys.join('.');
}

const kinds = { RED: 1, GREEN: { name: 'green' } } as const;

function toLeaf(name: string, { failureRate }: Behaviour, hash: number): unknown {
  const invalidCount = failureRate > 0 ? 1 : 0;
  switch (name) {
    case 'Kind':
      return [kinds.RED, kinds.GREEN, 'not a kind'][hash % (2 + invalidCount)];
    case 'Int':
      return [hash, String(hash), 'not a number', hash + 0.5][hash % (2 + 2 * invalidCount)];
    case 'Float':
      return hash % 12 === 0 && invalidCount === 1 ? Number.NaN : hash / 7;
    case 'Custom':
      return hash;
    case 'ID':
      return [`id ${hash}`, hash, true][hash % (2 + invalidCount)];
    default:
      return [`text ${hash}`, hash, true][hash % 3];
  }
}

function toResult(type: GraphQLOutputType, behaviour: Behaviour, path: string, mayFail = true): unknown {
  const hash = toHash(behaviour.seed, path);
  const inner = getNullableType(type);
  // If a list item fails at once after another that fails later, graphql-js leaves a rejection unhandled.
  const mayBeNull = behaviour.failureRate > 0 && behaviour.timing === 'now';
  if (mayFail && toHash(behaviour.seed, `${path}!`) < behaviour.failureRate) {
    if (hash % 3 === 0) return null;
    if (hash % 3 === 1) return new Error(`returned at ${path}`);
  }
  if (isListType(inner)) {
    if (behaviour.failureRate > 0 && hash % 40 === 0) return 'not a list';
    const mayItemsFail = behaviour.timing === 'now' || !isNonNullType(inner.ofType);
    const items = range(hash % 4).map((index) => toResult(inner.ofType, behaviour, `${path}.${index}`, mayItemsFail));
    return hash % 5 === 0 ? new Set(items) : items;
  }
  const named = getNamedType(inner);
  if (isObjectType(named) || isAbstractType(named)) {
    return {
      __typename: 'Thing',
      plain: toLeaf('String', behaviour, hash),
      plainNonNull: mayBeNull && hash % 9 === 0 ? null : 'text',
      plainThing: hash % 2 === 0 ? {} : null,
      plainThings: range(hash % 3).map((index) => ({
        a: index,
        b: mayBeNull && hash % 11 === 0 ? null : 'b',
        c: toLeaf('Kind', behaviour, hash),
      })),
    };
  }
  return toLeaf(named.name, behaviour, hash);
}

function resolve(
  _source: unknown,
  args: Readonly<Record<string, unknown>>,
  behaviour: Behaviour,
  info: GraphQLResolveInfo,
): unknown {
  const path = toPath(info);
  behaviour.calls.set(path, {
    args,
    fieldName: info.fieldName,
    nodes: info.fieldNodes.map(({ loc }) => loc?.start),
    type: info.returnType.toString(),
    parent: info.parentType.name,
    schema: info.schema === synthetic,
    fragments: Object.values(info.fragments).map(({ loc }) => loc?.start),
    operation: [info.operation, ...(info.operation.variableDefinitions ?? [])].map(({ loc }) => loc?.start),
    variables: Object.fromEntries(Object.entries(info.variableValues).filter(([name]) => !name.startsWith('__'))),
    root: info.rootValue,
  });
  const hash = toHash(behaviour.seed, `${path} of ${JSON.stringify(Object.entries(args).toSorted())}`);
  const isLater = behaviour.timing === 'later' || (behaviour.timing === 'mixed' && hash % 2 === 0);
  if (hash < behaviour.failureRate) {
    const error = toFailure(path, hash);
    if (!isLater) throw error;
    return Promise.reject(error);
  }
  const result = toResult(info.returnType, behaviour, path);
  if (!isLater) return result;
  return hash % 4 === 0 ? Promise.resolve(result) : new Promise((done) => setImmediate(done, result));
}

class CustomError extends Error {}

function toFailure(path: string, hash: number): Error {
  const message = `thrown at ${path}`;
  switch (hash % 4) {
    case 0:
      return new BadUserInputError(message);
    case 1:
      return new GraphQLError(message, { extensions: { code: 'OVERLOADED', retryAfter: 3 } });
    case 2:
      return new GraphQLError(message, { originalError: new BadUserInputError('inner') });
    default:
      return new CustomError(message);
  }
}

function addResolvers(schema: GraphQLSchema): void {
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
addResolvers(synthetic);

describe('Executor on a schema whose every field may fail', () => {
  const options = { values: { String: ['text', '', '"quoted"', '${x}', canary], Int: [0, 7, -1] }, depth: 4 };
  const randomOperations = fc.oneof(
    { weight: 4, arbitrary: operations(synthetic, { ...options, isUncompilable: false }) },
    { weight: 1, arbitrary: operations(synthetic, { ...options, isUncompilable: true }) },
  );

  it('compiles more than a quarter of random queries', () => {
    expect(toCompiledShare(synthetic, randomOperations)).toBeGreaterThan(1 / 4);
  });

  it(
    'returns the same results as graphql-js, and passes the same parameters to resolvers',
    async () => {
      const { run } = createCountingExecutor(synthetic);
      await fc.assert(
        fc.asyncProperty(
          randomOperations,
          fc.nat(),
          fc.constantFrom('now' as const, 'later' as const, 'mixed' as const),
          fc.constantFrom(0, 30, 120),
          async ({ query, variables }, seed, anyTiming, anyFailureRate) => {
            // A null variable may fail a list item at once, with the unhandled rejection described above.
            const timing = Object.values(variables).includes(null) ? 'now' : anyTiming;
            const document = parseValid(synthetic, query);
            fc.pre(document !== undefined);
            const failureRate = timing === 'mixed' ? 0 : anyFailureRate;
            const behaviour = { seed, timing, failureRate, calls: new Map<string, unknown>() };
            const request = toRequest(synthetic, document, {
              operationName: 'Random',
              variables,
              contextValue: behaviour,
            });
            fc.pre(request !== undefined);
            const result = await run(request);
            const expectedBehaviour = { ...behaviour, calls: new Map<string, unknown>() };
            const expected = await execute({
              schema: synthetic,
              document,
              variableValues: variables,
              contextValue: expectedBehaviour,
            });
            expect(toOutcome(result)).toEqual(toOutcome(expected));
            // graphql-js does not resolve the siblings of a failure that has nullified their object.
            for (const [path, call] of expectedBehaviour.calls)
              expect([path, behaviour.calls.get(path)]).toEqual([path, call]);
            if (result.errors === undefined)
              expect([...behaviour.calls.keys()].toSorted()).toEqual([...expectedBehaviour.calls.keys()].toSorted());
          },
        ),
        { numRuns: runs },
      );
    },
    timeoutMs,
  );
});

describe('Executor over HTTP', () => {
  const names = `query Names($environment: EnvironmentInput!, $first: Int) {
    siteToSiteVpns(environment: $environment, first: $first) { totalCount nodes { name state vpc { name } } }
  }`;

  it('returns the same response to a repeated query, errors included', async () => {
    graph.upstream.script(({ url }) =>
      url.includes('/vpcs') ? { data: [numberedVpc(1)] } : { data: [numberedVpn(1, 1), numberedVpn(2, 2)] },
    );
    for (let round = 0; round < 10; round++) {
      expect(await graph.execute(names, { environment })).toEqual({
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
            'The environment has no VPC with the vpcId of this site-to-site VPN.',
          ),
        ],
      });
      expect(graph.calls().toSorted()).toEqual([
        `GET ${environmentPath}/sitetositevpns`,
        `GET ${environmentPath}/vpcs`,
      ]);
      expect(await graph.execute(names, { environment, first: -1 })).toEqual({
        data: { siteToSiteVpns: null },
        errors: [failure('BAD_USER_INPUT', ['siteToSiteVpns'], expect.any(String))],
      });
      expect(graph.calls()).toEqual([]);
    }
  });

  it('rejects an invalid document however often it is sent', async () => {
    for (let round = 0; round < 10; round++) {
      const { status, body } = await graph.send(`{ environments { name(x: ${JSON.stringify(canary)}) } }`);
      expect([status, body]).toMatchObject([400, { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }]);
      expect(graph.calls()).toEqual([]);
    }
  });
});
