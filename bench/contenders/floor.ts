// The floor: the least that Node can do to give these answers. No GraphQL at all: it knows the operations by their names, makes the REST
// calls at the same time on one pool, and puts the answer together by hand. It checks nothing and never fails well.
import { createServer, type IncomingMessage } from 'node:http';
import { Pool } from 'undici';
import type { WireVpc, WireVpn } from '../world.js';
import { listen, variable } from './listen.js';

interface Body {
  operationName: string;
  variables: { environment: { serviceCode: string; name: string }; id: string };
}

const upstream = new URL(variable('UPSTREAM'));
const pool = new Pool(upstream.origin);

const server = createServer((request, response) => {
  void answer(request).then((data) => {
    const body = JSON.stringify({ data });
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
});
listen(server);

async function answer(request: IncomingMessage): Promise<object> {
  const { operationName, variables } = parse<Body>(await text(request));
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

// Written out: what is spread and then added to stays until Node 20 collects all that there is.
function toRow({ id, name, state, gateway, cidr }: WireVpn, vpc?: object) {
  return { id, name, state: state.toUpperCase(), gateway, cidr, vpc };
}

async function get<T>(path: string, apiKey: string): Promise<T> {
  const { body } = await pool.request({ method: 'GET', path, headers: { 'MC-Api-Key': apiKey } });
  return parse<{ data: T }>(await body.text()).data;
}

async function text(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let read = '';
  for await (const chunk of request) read += String(chunk);
  return read;
}

// Believed as it comes: to check it would cost time.
function parse<T>(json: string): T {
  const value: T = JSON.parse(json);
  return value;
}
