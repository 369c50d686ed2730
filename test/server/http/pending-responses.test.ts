// Which requests are served first, and as whose. pipelining.test.ts covers the requests of one connection over HTTP.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { serveOneAtATime } from '../../../src/server/http/pending-responses.js';
import { RequestTurns } from '../../../src/server/http/request-turns.js';
import { range } from '../../helpers/fixtures.js';

const served: string[] = [];
const listener = serveOneAtATime(
  ({ url = '' }) => {
    served.push(url);
  },
  { turns: new RequestTurns(), toClient: ({ headers }) => String(headers['mc-api-key']) },
);

/** Passes a request on a connection of its own to the listener. */
function send(url: string, headers: Readonly<Record<string, string>>): Socket {
  const socket = new Socket();
  const request = new IncomingMessage(socket);
  Object.assign(request, { url, headers });
  listener(request, new ServerResponse(request));
  return socket;
}

describe('serveOneAtATime', () => {
  it.each([
    ['a key among those of another', { 'mc-api-key': 'other' }],
    ['no key among those of a key', {}],
  ])('serves a request with %s in the next turn', async (_, headers) => {
    served.splice(0);
    for (const index of range(100)) send(`${index}`, { 'mc-api-key': 'one' });
    send('other', headers);
    await nextTurn();
    expect(served).toContain('other');
    expect(served.length).toBeLessThan(20);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(served).toHaveLength(101);
  });

  it('does not serve a request whose connection has closed while it waited', async () => {
    served.splice(0);
    const sockets = range(20).map((index) => send(`${index}`, { 'mc-api-key': 'one' }));
    sockets[15]?.destroy();
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect(served).toHaveLength(19);
    expect(served).not.toContain('15');
  });
});
