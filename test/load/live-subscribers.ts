// The subscribers of test/load/live-load.ts, in a process of their own, so that what they read delays no measurement. Opens one WebSocket for
// each, with one subscription. Sends `{ events }` to the parent when every subscriber has received so many.
// Arguments: URL of the gateway, number of subscribers, name of the environment.
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [url = '', count = '', name = ''] = process.argv.slice(2);
const subscribers = Number(count);
const read = (file: string) => readFileSync(new URL(`../../operations/${file}`, import.meta.url), 'utf8');
// The list operation that apps use, with the only fragment that it needs.
const fragment = /fragment SiteToSiteVpnRow [^}]*\{[^}]*\}\s*\}/.exec(read('fragments.graphql'))?.[0] ?? '';
const query = `${read('site-to-site-vpns-updated.graphql')}${fragment}`;
const variables = { environment: { serviceCode: 'compute-on', name } };
const subscribe = JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables } });
const init = JSON.stringify({ type: 'connection_init', payload: { 'MC-Api-Key': 'live-load' } });
const isNext = (data: Buffer) => data.subarray(0, 40).includes('"type":"next"');

// How many subscribers have received at least so many events, by that number.
const received: number[] = [];

async function open(): Promise<void> {
  let events = 0;
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
  socket.on('open', () => {
    socket.send(init);
  });
  await new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      if (!isNext(data)) {
        socket.send(subscribe);
        return;
      }
      events++;
      received[events] = (received[events] ?? 0) + 1;
      if (received[events] === subscribers) process.send?.({ events });
      resolve();
    });
    socket.on('close', (code) => {
      throw new Error(`A subscriber was closed with ${code}.`);
    });
  });
}

for (let index = 0; index < subscribers; index += 20) {
  await Promise.all(Array.from({ length: Math.min(20, subscribers - index) }, open));
}
