// Measures how long the built gateway takes to reject hostile queries, those of test/e2e/reliability/hostile-documents.ts, one after the
// other over HTTP. Prints the slowest. Fails if the median of one takes too long.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hostileDocuments } from '../e2e/reliability/hostile-documents.js';

const rounds = 15;
const maxMedianMs = 20;
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const gateway = spawn(process.execPath, [main], {
  env: { PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await waitForUrl(gateway);
  // Warms up, so that just-in-time compilation does not count.
  for (const { query } of hostileDocuments) await send(url, query);
  const medians: (readonly [medianMs: number, name: string])[] = [];
  for (const { name, query } of hostileDocuments) {
    const durationsMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      // A different text in each round, so that no cache applies.
      await send(url, `${query} #${round}`);
      durationsMs.push(performance.now() - startedAt);
    }
    medians.push([durationsMs.sort((a, b) => a - b)[rounds >> 1] ?? 0, name]);
  }
  medians.sort(([a], [b]) => b - a);
  const lines = medians.slice(0, 10).map(([medianMs, name]) => `${medianMs.toFixed(1).padStart(6)} ms  ${name}`);
  process.stdout.write(
    `${hostileDocuments.length} documents, the slowest by the median of ${rounds}:\n${lines.join('\n')}\n`,
  );
  if ((medians[0]?.[0] ?? 0) > maxMedianMs) process.exitCode = 1;
} finally {
  gateway.kill();
}

async function send(url: string, query: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  await response.text();
  if (response.status !== 400) throw new Error(`Expected status 400, got ${response.status}.`);
}

function waitForUrl({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /"url":"([^"]+\/graphql)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
