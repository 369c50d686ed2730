// Validates deploy/kubernetes against the Kubernetes API schemas and against the gateway: ports, probes, variables, user and shutdown time.
// No cluster is involved, so the schemas are the only check of what a cluster would accept.
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
import { readConfig } from '../../../src/config.js';
import { environmentVariableNames } from '../../../src/environment-variables.js';
import { startGateway } from '../../helpers/gateway.js';
import { sendRequest } from '../../helpers/http.js';

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

/** Returns the errors of a manifest: violations of its schema, and fields that the schema does not define. */
function validateManifest(manifest: unknown): string[] {
  const kind = kinds.find((candidate) => candidate.is(manifest));
  if (kind === undefined) return ['unknown kind'];
  const unread = new Set<string>();
  // The validator reads each field that its schema defines and ignores all others.
  const tracked = trackReads(manifest, '', unread);
  try {
    const validate: unknown = Reflect.get(kind.prototype, 'validate');
    if (typeof validate !== 'function') throw new TypeError('The package has no validator.');
    Reflect.apply(validate, tracked, []);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return [...unread].map((path) => `data${path} is unknown`);
}

/** Returns a proxy of the value that removes each field's path from `unread` when the field is read. */
function trackReads(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) unread.add(`${path}/${key}`);
  return new Proxy(value, {
    get: (target, key, receiver) => {
      const field = `${path}/${String(key)}`;
      unread.delete(field);
      return trackReads(Reflect.get(target, key, receiver), field, unread);
    },
  });
}

/** Returns the parsed manifest of this kind and name. Fails if there is not exactly one. */
function find<Shape>(kind: string, shape: z.ZodType<Shape>, manifestName = name): Shape {
  const [match, ...others] = manifests.filter(
    (manifest) =>
      header.safeParse(manifest).data?.kind === kind && header.parse(manifest).metadata.name === manifestName,
  );
  expect(others).toEqual([]);
  return shape.parse(match);
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
const environment = Object.fromEntries(gateway.env.map((variable) => [variable.name, variable.value]));
const portOf = (portName: string) => gateway.ports.find((port) => port.name === portName)?.containerPort;

describe('deploy/kubernetes', () => {
  it('has only manifests of known kinds without invalid or unknown fields', () => {
    expect(manifests.length).toBeGreaterThan(6);
    expect(manifests.flatMap(validateManifest)).toEqual([]);
  });

  it('would fail with a missing, mistyped or misspelt field', () => {
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name } };
    expect(validateManifest({ ...service, spec: { ports: [{ name: 'http', port: 80 }], selector: pods } })).toEqual([]);
    expect(validateManifest({ ...service, spec: { ports: [{ name: 'http' }] } })).toEqual([
      'data/spec/ports/0 must have required property port',
    ]);
    expect(validateManifest({ ...service, spec: { ports: [{ name: 'http', port: '80' }] } })).toEqual([
      'data/spec/ports/0/port must be integer',
    ]);
    expect(validateManifest({ ...service, spec: { ports: [{ port: 80, targetport: 80 }], selectors: pods } })).toEqual([
      'data/spec/selectors is unknown',
      'data/spec/ports/0/targetport is unknown',
    ]);
    expect(validateManifest({ ...service, kind: 'Servise' })).toEqual(['unknown kind']);
  });

  it('selects the pods of the Deployment in every manifest', () => {
    expect(deployment.spec.template.metadata.labels).toEqual(pods);
    const selectors = [
      deployment.spec.selector.matchLabels,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
      find('PodDisruptionBudget', z.object({ spec: z.object({ selector }) })).spec.selector.matchLabels,
      find('NetworkPolicy', z.object({ spec: z.object({ podSelector: selector }) })).spec.podSelector.matchLabels,
      ...[name, `${name}-ops`].map((service) => find('Service', serviceShape, service).spec.selector),
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

describe('Deployment', () => {
  it('sets only known variables, to valid values', () => {
    expect(Object.keys(environment).filter((variable) => !environmentVariableNames.includes(variable))).toEqual([]);
    expect(readConfig(environment)).toMatchObject({ production: true });
  });

  it('names the ports that the gateway listens on, as do the Services, the NetworkPolicy and the Ingress', () => {
    const { listen, opsListen } = readConfig(environment);
    expect([portOf('http'), portOf('ops')]).toEqual([listen.port, opsListen.port]);
    expect([listen.host, opsListen.host]).toEqual(['0.0.0.0', '0.0.0.0']);
    expect(find('Service', serviceShape).spec.ports).toEqual([{ name: 'http', targetPort: 'http' }]);
    expect(find('Service', serviceShape, `${name}-ops`).spec.ports).toEqual([{ name: 'ops', targetPort: 'ops' }]);
    const policy = z.object({
      spec: z.object({ ingress: z.array(z.object({ ports: z.unknown(), from: z.unknown().optional() })) }),
    });
    // Any source may reach the GraphQL port. The ops port is restricted.
    expect(find('NetworkPolicy', policy).spec.ingress).toEqual([
      { ports: [{ port: 'http' }] },
      { ports: [{ port: 'ops' }], from: [expect.anything()] },
    ]);
    const ingress = z.object({ spec: z.object({ rules: z.array(z.unknown()) }) });
    expect(find('Ingress', ingress).spec.rules).toEqual([
      expect.objectContaining({
        http: {
          paths: [{ path: '/graphql', pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } }],
        },
      }),
    ]);
  });

  it('probes paths that the ops listener serves', async () => {
    const { opsUrl, lifecycle } = await startGateway({ restApi: 'http://127.0.0.1:1' });
    const probes = [gateway.startupProbe, gateway.livenessProbe, gateway.readinessProbe].map(({ httpGet }) => httpGet);
    const statuses = () => Promise.all(probes.map(async ({ path }) => (await sendRequest(`${opsUrl}${path}`)).status));

    expect(probes.map(({ port }) => port)).toEqual(['ops', 'ops', 'ops']);
    expect(await statuses()).toEqual([200, 200, 200]);
    lifecycle.drain();
    expect(await statuses()).toEqual([200, 200, 503]);
  });

  it('allows time for endpoints to update and then for the gateway to shut down', () => {
    const { seconds } = gateway.lifecycle.preStop.sleep;

    expect(seconds).toBeGreaterThanOrEqual(5);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(seconds + 10);
  });

  it('has an image whose command sets the young generation, as docs/operations.md does', () => {
    const [, command = ''] = /^CMD (.*)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const words = z.array(z.string()).parse(JSON.parse(command));
    expect(words).toEqual(['node', expect.stringMatching(/^--max-semi-space-size=\d+$/), 'dist/main.js']);
    expect(readFileSync('docs/operations.md', 'utf8')).toContain(`NODE_ENV=production ${words.join(' ')}\n`);
  });

  it('grants no privileges and runs as the user of the image', () => {
    const [, user] = /^USER (\S+)$/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const [base] =
      readFileSync('Dockerfile', 'utf8')
        .match(/^FROM \S+$/gm)
        ?.slice(-1) ?? [];
    // Official Node images create the user `node` with id 1000.
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

describe('ServiceMonitor', () => {
  it('scrapes each gateway under the job name that the alerts expect', async () => {
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
    const { opsUrl } = await startGateway({ restApi: 'http://127.0.0.1:1' });

    expect(metadata.labels).toEqual(monitor.selector.matchLabels);
    expect(spec.ports.map((port) => port.name)).toEqual([endpoint.port]);
    expect((await sendRequest(`${opsUrl}${endpoint.path}`)).text).toMatch(/^gateway_polls 0$/m);
    const jobs = readFileSync('deploy/prometheus/alerts.yaml', 'utf8').matchAll(/job="([^"]*)"/g);
    expect(new Set([...jobs].map(([, job]) => job))).toEqual(new Set([metadata.labels[monitor.jobLabel]]));
  });
});
