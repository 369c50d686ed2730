// The snippets of docs/clients-web.md over a restart of the gateway: without other code, each receives the next change.
import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { addCleanup } from '../../helpers/cleanup.js';
import { findFreePort, listen } from '../../helpers/free-port.js';
import { launchGateway } from '../../helpers/process.js';
import { waitUntil } from '../../helpers/wait-until.js';
import { startRestApi } from '../../server/subscriptions/mutable-rest-api.js';
import { wireVpn } from '../../helpers/fixtures.js';
import { startSubscribingSnippets } from './snippets.js';

/** Starts a server that responds 503 to all requests, as a load balancer without a gateway does. */
async function startUnavailable(port: number) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.writeHead(503, { connection: 'close' }).end();
  });
  await listen(server, { port });
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  addCleanup(stop);
  return { requests: () => requests, stop };
}

describe('The snippets that subscribe, over a restart of the gateway', () => {
  it('receive the change after it, although connections were rejected meanwhile', async () => {
    const rest = await startRestApi();
    const port = await findFreePort();
    const start = () => launchGateway({ PORT: String(port), CLOUDCA_API_URL: rest.url, WATCH_POLL_MS: '100' });
    const first = await start();
    const snippets = await startSubscribingSnippets(first.url);
    const waitForStates = (states: RegExp) => Promise.all(snippets.map(({ waitForOutput }) => waitForOutput(states)));
    await waitForStates(/^CONNECTED$/m);
    first.signal('SIGTERM');
    await first.exit;
    const unavailable = await startUnavailable(port);
    await waitUntil(() => unavailable.requests() >= snippets.length);
    await unavailable.stop();
    await start();
    await waitForStates(/^CONNECTED\nCONNECTED$/m);
    rest.state.vpns = [wireVpn({ state: 'Error' })];
    await waitForStates(/^CONNECTED\nCONNECTED\nERROR$/m);

    expect(snippets.map(({ snippet }) => snippet)).toEqual([
      'Apollo Client',
      'Apollo Client without a WebSocket',
      'urql',
      'urql over event streams',
      'graphql-sse',
    ]);
    // The subscription of an exited process would have ended.
    expect(snippets.filter(({ hasExited, stderr }) => hasExited() || stderr() !== '')).toEqual([]);
  });
});
