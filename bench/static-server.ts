// Serves the files of the directory RESPONSES as a REST API on node:http, from memory, each DELAY_MS milliseconds late.
// Runs as a separate process; it returns its number of calls for every IPC message.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { listen, requireEnv } from './contenders/listen.js';

const directory = requireEnv('RESPONSES');
const delayMs = Number(requireEnv('DELAY_MS'));
const responses = new Map(
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => [`/${name.slice(0, -'.json'.length)}`, readFileSync(join(directory, name))]),
);
let calls = 0;

process.on('message', () => process.send?.(calls));

const server = createServer((request, response) => {
  calls++;
  const body = responses.get(request.url ?? '');
  if (delayMs === 0) send(response, body);
  else setTimeout(send, delayMs, response, body);
});
server.keepAliveTimeout = 300_000;
listen(server);

function send(response: ServerResponse, body: Buffer | undefined): void {
  if (body === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}
