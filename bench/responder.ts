// A REST API of static answers on node:http: each is read once and kept as bytes. A process of its own, told by ANSWERS and DELAY_MS.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { listen, variable } from './contenders/listen.js';

const directory = variable('ANSWERS');
const delayMs = Number(variable('DELAY_MS'));
const answers = new Map(
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => [`/${name.slice(0, -'.json'.length)}`, readFileSync(join(directory, name))]),
);
let calls = 0;

process.on('message', () => process.send?.(calls));

const server = createServer((request, response) => {
  calls++;
  const body = answers.get(request.url ?? '');
  if (delayMs === 0) answer(response, body);
  else setTimeout(answer, delayMs, response, body);
});
server.keepAliveTimeout = 300_000;
listen(server);

function answer(response: ServerResponse, body: Buffer | undefined): void {
  if (body === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}
