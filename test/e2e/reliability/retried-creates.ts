// Clients that retry creates until they get an answer, from two gateways. The connections to the REST API are cut at random: before a write
// is executed, while its response is sent, and after. Groups of three clients want the same name, with attributes that may differ.
import { isDeepStrictEqual } from 'node:util';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect } from '@jest/globals';
import { isObject } from '../../../src/json.js';
import { startGateway } from '../../helpers/gateway.js';
import { numberedId, vpcId } from '../../helpers/fixtures.js';
import { dropConnection, json, raw, startUpstream, type UpstreamCall } from '../../helpers/upstream.js';
import { at } from '../../graph/graph-client.js';
import { printSeed, toRandom } from './random.js';

const otherVpcId = numberedId('vpc', 1);
const clientsPerGroup = 3;
const groupsPerEnvironment = 20;
const maxConcurrentClients = 50;
// No busy machine reaches it, so every failure is one that the REST API caused.
const deadlineMs = 120_000;
// From this attempt on, the REST API is back.
const firstHealthyAttempt = 5;

type Attributes = Readonly<Record<string, unknown>>;

/** The attributes of the first client of a group, in the spelling of the REST API. */
const toAttributes = (group: number): Attributes => ({
  name: `vpn-${group}`,
  vpcId,
  gateway: `198.18.${Math.floor(group / 250)}.${group % 250}`,
  cidr: '10.12.0.0/22',
  ipSecPsk: 'Kz81mPq04LtYvB',
  ikeEncryptionAlgorithm: 'aes256',
  ikeHashAlgorithm: 'sha1',
  ikeDhGroup: 'modp1024',
  ikeLifetime: 86400,
  espEncryptionAlgorithm: 'aes256',
  espHashAlgorithm: 'sha1',
  espPerfectForwardSecrecy: 'modp1024',
  espLifetime: 3600,
  dpd: false,
  forceEncap: false,
});

/** Another value of each attribute but the name. */
const otherValues = (group: number): readonly (readonly [string, unknown])[] => [
  ['vpcId', otherVpcId],
  ['gateway', `198.19.${Math.floor(group / 250)}.${group % 250}`],
  ['cidr', '10.12.0.0/22,10.13.0.0/22'],
  ['ipSecPsk', 'Kz81mPq04LtYvC'],
  ['ikeEncryptionAlgorithm', 'aes128'],
  ['ikeHashAlgorithm', 'md5'],
  ['ikeDhGroup', 'modp1536'],
  ['ikeLifetime', 1],
  ['espEncryptionAlgorithm', 'aes128'],
  ['espHashAlgorithm', 'md5'],
  ['espPerfectForwardSecrecy', 'modp1536'],
  ['espLifetime', 1],
  ['dpd', true],
  ['forceEncap', true],
];

const enumNames: Readonly<Record<string, string>> = { modp1024: 'MODP_1024', modp1536: 'MODP_1536' };
const enumFields = /Algorithm|Group|Secrecy/;

function toInput(environment: string, attributes: Attributes): object {
  const fields = Object.entries(attributes).map(([field, value]): [string, unknown] => {
    const text = String(value);
    return [field, enumFields.test(field) ? (enumNames[text] ?? text.toUpperCase()) : value];
  });
  return { environment: { serviceCode: 'compute-on', name: environment }, ...Object.fromEntries<unknown>(fields) };
}

/** A VPN of the REST API. */
interface StoredVpn {
  readonly id: string;
  readonly attributes: Attributes;
}

/** The REST API: environments with VPNs, whose names and gateways are unique. Cuts connections as the request id and the seed say. */
class FlakyRestApi {
  readonly #environments = new Map<string, StoredVpn[]>();
  readonly #callsOfRequest = new Map<string, number>();
  /** The writes received, by request id: a gateway must not send one twice. */
  readonly writes = new Map<string, number>();
  /** The connections that were cut, by kind. */
  readonly cuts = { before: 0, during: 0, after: 0 };

  readonly respond = (call: UpstreamCall): object | ((response: ServerResponse) => void) => {
    const requestId = String(call.headers['x-request-id']);
    const callNumber = (this.#callsOfRequest.get(requestId) ?? 0) + 1;
    this.#callsOfRequest.set(requestId, callNumber);
    const attempt = Number(requestId.split('-').at(-1));
    const chance = attempt < firstHealthyAttempt ? toRandom(`${requestId} ${callNumber}`, 10) : 9;
    if (chance < 2) {
      this.cuts.before++;
      return dropConnection;
    }
    const response = this.#execute(call, requestId);
    if (chance < 4) {
      this.cuts.during++;
      return (target) => {
        target.writeHead(200, { 'content-length': '99' });
        target.write('{"task', () => target.destroy());
      };
    }
    if (chance < 6) {
      this.cuts.after++;
      return chance < 5 ? dropConnection : raw(502, '<html>');
    }
    return response;
  };

  /** Returns the VPNs of an environment. */
  list(environment: string): StoredVpn[] {
    const vpns = this.#environments.get(environment) ?? [];
    this.#environments.set(environment, vpns);
    return vpns;
  }

  #execute({ method, url, body }: UpstreamCall, requestId: string): object | ((response: ServerResponse) => void) {
    const vpns = this.list(url.split('/')[4] ?? '');
    if (method === 'GET' && url.endsWith('/vpcs')) return { data: [vpcId, otherVpcId].map((id) => ({ id, name: id })) };
    if (method === 'GET')
      return { data: vpns.map(({ id, attributes }) => ({ id, state: 'Connected', ...attributes })) };
    this.writes.set(requestId, (this.writes.get(requestId) ?? 0) + 1);
    const parsed: unknown = JSON.parse(body);
    const attributes = isObject(parsed) ? parsed : {};
    const isUsed = vpns.some(
      ({ attributes: { name, gateway } }) => name === attributes['name'] || gateway === attributes['gateway'],
    );
    if (isUsed) return json(400, { errors: [{ code: 2013, message: 'Already used.' }] });
    vpns.push({ id: randomUUID(), attributes });
    return { taskId: randomUUID(), taskStatus: 'PENDING' };
  }
}

const query = `mutation ($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) {
    alreadyExists siteToSiteVpn { id } task { id } userErrors { field code }
  }
}`;

/** Starts the gateways. Returns the function that runs the clients, and resolves when each of them has its answer. */
export async function startRetriedCreates(): Promise<(clients: number) => Promise<Record<string, number>>> {
  const restApi = new FlakyRestApi();
  const upstream = await startUpstream(restApi.respond);
  const start = () =>
    startGateway({
      restApi: upstream.url,
      config: { maxInFlightPerKey: 0, maxInFlight: 0, logLevel: 'silent', cloudcaApiTimeoutMs: deadlineMs },
    });
  const gateways = [await start(), await start()];
  const counts = { created: 0, alreadyExists: 0, taken: 0, lost: 0 };

  /** Runs one attempt. Returns the payload; null if the outcome is unknown. */
  async function attempt(client: number, number: number, input: object): Promise<unknown> {
    const requestId = `client-${client}-${number}`;
    const gateway = gateways[toRandom(requestId, gateways.length)];
    const response = await gateway?.run(query, { input }, { headers: { 'x-request-id': requestId } });
    const payload = at(response?.body, 'data', 'createSiteToSiteVpn');
    if (payload !== null) return payload;
    // Once the REST API is back, no attempt fails.
    const failure = number < firstHealthyAttempt ? undefined : at(response?.body, 'errors', 0);
    expect({ requestId, failure }).toEqual({ requestId, failure: undefined });
    counts.lost++;
    return null;
  }

  async function runClient(client: number): Promise<void> {
    const group = Math.floor(client / clientsPerGroup);
    const environment = `area-${Math.floor(group / groupsPerEnvironment)}`;
    const others = otherValues(group);
    const differs = client % clientsPerGroup > 0 && toRandom(`differs ${client}`, 3) > 0;
    const changed = toRandom(`change ${client}`, others.length);
    const change = differs ? others.slice(changed, changed + 1) : [];
    const attributes = { ...toAttributes(group), ...Object.fromEntries<unknown>(change) };
    let payload: unknown = null;
    for (let number = 1; payload === null; number++) {
      payload = await attempt(client, number, toInput(environment, attributes));
    }
    const namesake = restApi.list(environment).find((vpn) => vpn.attributes['name'] === attributes['name']);
    const isMine = isDeepStrictEqual({ ...namesake?.attributes }, { ...attributes });
    const code = at(payload, 'userErrors', 0, 'code');
    // The client has a VPN with its attributes, or another client has the name.
    expect({ client, change, isMine, code }).toEqual({ client, change, isMine: code === undefined, code });
    expect([undefined, 'TAKEN']).toContain(code);
    if (at(payload, 'alreadyExists') === true) {
      expect(at(payload, 'siteToSiteVpn', 'id')).toBe(namesake?.id);
      counts.alreadyExists++;
    } else if (code === undefined) counts.created++;
    else counts.taken++;
  }

  return async (clients) => {
    printSeed('Retried creates', clients);
    let next = 0;
    const runClients = async () => {
      while (next < clients) await runClient(next++);
    };
    await Promise.all(Array.from({ length: maxConcurrentClients }, runClients));
    expect([...restApi.writes].filter(([, count]) => count > 1)).toEqual([]);
    return { ...counts, ...restApi.cuts };
  };
}
