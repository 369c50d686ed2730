// What Kubernetes is given, against the schemas of its API as packages have them, and against the gateway: ports, probes, variables, user,
// and the time it takes to end. No cluster is asked: that the schemas hold is all that can be known here of what one would say.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Service } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { CloudcaClient } from '../../../src/cloudca/client.js';
import { readConfig, variableNames } from '../../../src/config.js';
import { startApp } from '../../helpers/app.js';
import { ask } from '../../helpers/wire.js';

const folder = 'deploy/kubernetes';
const name = 'site-to-site-vpn-gateway';
const pods = { 'app.kubernetes.io/name': name };
const kinds = [
  Deployment,
  Service,
  Ingress,
  HorizontalPodAutoscaler,
  PodDisruptionBudget,
  NetworkPolicy,
  ServiceMonitor,
];

const manifests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => parseAllDocuments(readFileSync(`${folder}/${file}`, 'utf8')))
  .map((document): unknown => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });

/** What is wrong with a manifest: what its schema says, and fields that the schema does not know. */
function faultsOf(manifest: unknown): string[] {
  const kind = kinds.find((each) => each.is(manifest));
  if (kind === undefined) return ['of a kind that nobody knows'];
  const unread = new Set<string>();
  // Its validator looks at each field that it knows, and leaves others alone.
  const seen = watch(manifest, '', unread);
  try {
    const validate: unknown = Reflect.get(kind.prototype, 'validate');
    if (typeof validate !== 'function') throw new TypeError('The package has no validator.');
    Reflect.apply(validate, seen, []);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return [...unread].map((path) => `data${path} is not known`);
}

/** The same value, of which each field is struck from `unread` when it is read. */
function watch(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) unread.add(`${path}/${key}`);
  return new Proxy(value, {
    get: (target, key, receiver) => {
      const field = `${path}/${String(key)}`;
      unread.delete(field);
      return watch(Reflect.get(target, key, receiver), field, unread);
    },
  });
}

/** The one manifest of a kind, or of a kind and a name, of which so much is read. */
function find<Shape>(kind: string, shape: z.ZodType<Shape>, called = name): Shape {
  const [found, ...others] = manifests.filter(
    (manifest) => header.safeParse(manifest).data?.kind === kind && header.parse(manifest).metadata.name === called,
  );
  expect(others).toEqual([]);
  return shape.parse(found);
}

const header = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });
const labels = z.record(z.string(), z.string());
const selector = z.object({ matchLabels: labels });
const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.string() }) });
const container = z.object({
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }),
  securityContext: z.unknown(),
});
const deployment = find(
  'Deployment',
  z.object({
    spec: z.object({
      selector,
      template: z.object({
        metadata: z.object({ labels }),
        spec: z.object({
          automountServiceAccountToken: z.boolean(),
          terminationGracePeriodSeconds: z.number(),
          topologySpreadConstraints: z.array(z.object({ labelSelector: selector })),
          securityContext: z.unknown(),
          containers: z.tuple([container]),
        }),
      }),
    }),
  }),
);
const pod = deployment.spec.template.spec;
const [gateway] = pod.containers;
const environment = Object.fromEntries(gateway.env.map((each) => [each.name, each.value]));
const portOf = (called: string) => gateway.ports.find((port) => port.name === called)?.containerPort;

describe('Each manifest', () => {
  it('is of a kind that is known, with no field that is wrong or not known', () => {
    expect(manifests.length).toBeGreaterThan(6);
    expect(manifests.flatMap(faultsOf)).toEqual([]);
  });

  it('would not pass with a field that is missing, of another type, or misspelt', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name } };
    expect(faultsOf({ ...service, spec: { ports: [{ name: 'http', port: 80 }], selector: pods } })).toEqual([]);
    expect(faultsOf({ ...service, spec: { ports: [{ name: 'http' }] } })).toEqual([
      'data/spec/ports/0 must have required property port',
    ]);
    expect(faultsOf({ ...service, spec: { ports: [{ name: 'http', port: '80' }] } })).toEqual([
      'data/spec/ports/0/port must be integer',
    ]);
    expect(faultsOf({ ...service, spec: { ports: [{ port: 80, targetport: 80 }], selectors: pods } })).toEqual([
      'data/spec/selectors is not known',
      'data/spec/ports/0/targetport is not known',
    ]);
    expect(faultsOf({ ...service, kind: 'Servise' })).toEqual(['of a kind that nobody knows']);
  });

  it('finds the pods that it is about', () => {
    expect(deployment.spec.template.metadata.labels).toEqual(pods);
    const selectors = [
      deployment.spec.selector.matchLabels,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
      find('PodDisruptionBudget', z.object({ spec: z.object({ selector }) })).spec.selector.matchLabels,
      find('NetworkPolicy', z.object({ spec: z.object({ podSelector: selector }) })).spec.podSelector.matchLabels,
      ...[name, `${name}-ops`].map((called) => find('Service', serviceShape, called).spec.selector),
    ];

    expect(selectors).toEqual(selectors.map(() => pods));
    const target = z.object({ spec: z.object({ scaleTargetRef: z.unknown() }) });
    expect(find('HorizontalPodAutoscaler', target).spec.scaleTargetRef).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name,
    });
  });
});

const serviceShape = z.object({
  metadata: z.object({ labels }),
  spec: z.object({ selector: labels, ports: z.array(z.object({ name: z.string(), targetPort: z.string() })) }),
});

describe('The Deployment', () => {
  it('sets variables that the gateway knows, to values that it takes', () => {
    expect(Object.keys(environment).filter((each) => !variableNames.includes(each))).toEqual([]);
    expect(readConfig(environment)).toMatchObject({ production: true });
  });

  it('names the ports on which the gateway then listens, as do those who send something there', () => {
    const { listen, opsListen } = readConfig(environment);
    expect([portOf('http'), portOf('ops')]).toEqual([listen.port, opsListen.port]);
    expect([listen.host, opsListen.host]).toEqual(['0.0.0.0', '0.0.0.0']);
    expect(find('Service', serviceShape).spec.ports).toEqual([{ name: 'http', targetPort: 'http' }]);
    expect(find('Service', serviceShape, `${name}-ops`).spec.ports).toEqual([{ name: 'ops', targetPort: 'ops' }]);
    const policy = z.object({
      spec: z.object({ ingress: z.array(z.object({ ports: z.unknown(), from: z.unknown().optional() })) }),
    });
    // Anybody may call; the listener for operators is open to some.
    expect(find('NetworkPolicy', policy).spec.ingress).toEqual([
      { ports: [{ port: 'http' }] },
      { ports: [{ port: 'ops' }], from: [expect.anything()] },
    ]);
    const way = z.object({ spec: z.object({ rules: z.array(z.unknown()) }) });
    expect(find('Ingress', way).spec.rules).toEqual([
      expect.objectContaining({
        http: {
          paths: [{ path: '/graphql', pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } }],
        },
      }),
    ]);
  });

  it('asks the listener for operators by paths that it answers', async () => {
    const { opsUrl, lifecycle } = await startApp(
      new CloudcaClient({ baseUrl: 'http://127.0.0.1:1', timeoutMs: 1_000 }),
    );
    const probes = [gateway.startupProbe, gateway.livenessProbe, gateway.readinessProbe].map(({ httpGet }) => httpGet);
    const answers = () => Promise.all(probes.map(async ({ path }) => (await ask(`${opsUrl}${path}`)).status));

    expect(probes.map(({ port }) => port)).toEqual(['ops', 'ops', 'ops']);
    expect(await answers()).toEqual([200, 200, 200]);
    lifecycle.drain();
    expect(await answers()).toEqual([200, 200, 503]);
  });

  it('gives the gateway the time that it takes to end, after what it takes the others to notice', () => {
    const { seconds } = gateway.lifecycle.preStop.sleep;

    expect(seconds).toBeGreaterThanOrEqual(5);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds + 10);
  });

  it('allows nothing that the gateway does not need, and runs it as the user of the image', () => {
    const [, user] = /^USER (\S+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const [base] =
      readFileSync('Dockerfile', 'utf8')
        .match(/^FROM \S+$/gm)
        ?.slice(-1) ?? [];
    // Node's images make this user, with this id.
    expect([base, user]).toEqual([expect.stringMatching(/^FROM node:/), 'node']);
    expect(pod.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(gateway.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
  });
});

describe('The ServiceMonitor', () => {
  it('has each gateway scraped, as the job that the alerts are about', async () => {
    const monitor = find(
      'ServiceMonitor',
      z.object({
        spec: z.object({
          jobLabel: z.string(),
          selector,
          endpoints: z.tuple([z.object({ port: z.string(), path: z.string() })]),
        }),
      }),
    ).spec;
    const { metadata, spec } = find('Service', serviceShape, `${name}-ops`);
    const [endpoint] = monitor.endpoints;
    const { opsUrl } = await startApp(new CloudcaClient({ baseUrl: 'http://127.0.0.1:1', timeoutMs: 1_000 }));

    expect(metadata.labels).toEqual(monitor.selector.matchLabels);
    expect(spec.ports.map((port) => port.name)).toEqual([endpoint.port]);
    expect((await ask(`${opsUrl}${endpoint.path}`)).text).toMatch(/^gateway_polls 0$/m);
    const jobs = readFileSync('deploy/prometheus/alerts.yaml', 'utf8').matchAll(/job="([^"]*)"/g);
    expect(new Set([...jobs].map(([, job]) => job))).toEqual(new Set([metadata.labels[monitor.jobLabel]]));
  });
});
