// How long the built gateway takes to refuse queries made to hurt: each of test/reliability's, over HTTP, one after the other. Prints the
// slowest; fails where one takes longer than it may in the median.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { hostileDocuments } from '../e2e/reliability/hostile-documents.js';

const rounds = 15;
// In milliseconds.
const most = 20;
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const gateway = spawn(process.execPath, [main], {
  env: { PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', LOG_LEVEL: 'silent' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await toUrl(gateway);
  // What is compiled on the way of the first requests is not what is measured.
  for (const { query } of hostileDocuments) await ask(url, query);
  const medians: (readonly [number, string])[] = [];
  for (const { name, query } of hostileDocuments) {
    const measured: number[] = [];
    for (let round = 0; round < rounds; round++) {
      // Another text each time, so that nothing is remembered.
      const begun = performance.now();
      await ask(url, `${query} #${round}`);
      measured.push(performance.now() - begun);
    }
    medians.push([measured.sort((a, b) => a - b)[rounds >> 1] ?? 0, name]);
  }
  medians.sort(([a], [b]) => b - a);
  const lines = medians.slice(0, 10).map(([median, name]) => `${median.toFixed(1).padStart(6)} ms  ${name}`);
  process.stdout.write(
    `${hostileDocuments.length} documents, the slowest in the median of ${rounds}:\n${lines.join('\n')}\n`,
  );
  if ((medians[0]?.[0] ?? 0) > most) process.exitCode = 1;
} finally {
  gateway.kill();
}

async function ask(url: string, query: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
  await response.text();
  if (response.status !== 400) throw new Error(`Not refused: ${response.status}`);
}

function toUrl({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const url = /"url":"([^"]+\/graphql)"/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
