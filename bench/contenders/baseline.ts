// The baseline: a minimal node:http server for the same responses, without GraphQL. It recognizes operations by name, makes their REST calls
// on one connection pool, concurrently if possible, and builds the responses by hand. It has no validation and no error handling.
import { createServer, type IncomingMessage } from 'node:http';
import { Pool } from 'undici';
import type { WireVpc, WireVpn } from '../dataset.js';
import { listen, requireEnv } from './listen.js';

interface Body {
  operationName: string;
  variables: { environment: { serviceCode: string; name: string }; id: string };
}

const upstream = new URL(requireEnv('UPSTREAM'));
const pool = new Pool(upstream.origin);

const server = createServer((request, response) => {
  void execute(request).then((data) => {
    const body = JSON.stringify({ data });
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
listen(server);

async function execute(request: IncomingMessage): Promise<object> {
  const { operationName, variables } = parse<Body>(await readBody(request));
  const { serviceCode, name } = variables.environment;
  const base = `${upstream.pathname}/services/${serviceCode}/${name}`;
  const apiKey = String(request.headers['mc-api-key']);
  if (operationName === 'Vpn') {
    const vpn = await get<WireVpn>(`${base}/sitetositevpns/${variables.id}`, apiKey);
    const vpc = await get<WireVpc>(`${base}/vpcs/${vpn.vpcId}`, apiKey);
    return { siteToSiteVpn: toRow(vpn, { id: vpc.id, name: vpc.name }) };
  }
  if (operationName === 'VpnsAlone') {
    const vpns = await get<WireVpn[]>(`${base}/sitetositevpns`, apiKey);
    return { siteToSiteVpns: { nodes: vpns.map((vpn) => toRow(vpn)) } };
  }
  const [vpns, vpcs] = await Promise.all([
    get<WireVpn[]>(`${base}/sitetositevpns`, apiKey),
    get<WireVpc[]>(`${base}/vpcs`, apiKey),
  ]);
  const names = new Map(vpcs.map((vpc) => [vpc.id, { id: vpc.id, name: vpc.name }]));
  return { siteToSiteVpns: { nodes: vpns.map((vpn) => toRow(vpn, names.get(vpn.vpcId))) } };
}

// Lists the fields one by one: on Node 20, an object that is spread and then extended survives until a full garbage collection.
function toRow({ id, name, state, gateway, cidr }: WireVpn, vpc?: object) {
  return { id, name, state: state.toUpperCase(), gateway, cidr, vpc };
}

async function get<T>(path: string, apiKey: string): Promise<T> {
  const { body } = await pool.request({ method: 'GET', path, headers: { 'MC-Api-Key': apiKey } });
  return parse<{ data: T }>(await body.text()).data;
}

async function readBody(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

// Trusts the input, because validation would take CPU time.
function parse<T>(json: string): T {
  const value: T = JSON.parse(json);
  return value;
}
