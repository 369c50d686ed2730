// Runs inside the namespaces of one site: starts programs, responds to TCP connections, and opens them. The test sends it requests.
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import type { AgentRequest, AgentResponse } from './sites.js';

const echoPort = 7;
const connectTimeoutMs = 10_000;

// Sends each byte back.
createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.pipe(socket);
}).listen(echoPort, () => {
  process.send?.({ id: 0, output: '' } satisfies AgentResponse);
});

// The test has ended, so the site ends: the kernel then kills all programs in it.
process.on('disconnect', () => process.exit());

process.on('message', (request: AgentRequest) => {
  respond(request).then(
    (output) => process.send?.({ id: request.id, output } satisfies AgentResponse),
    (error: unknown) => process.send?.({ id: request.id, error: String(error) } satisfies AgentResponse),
  );
});

function respond(request: AgentRequest): Promise<string> {
  switch (request.kind) {
    case 'run':
      return run(request.command);
    case 'start':
      return start(request.command, request.log);
    case 'sendByte':
      return sendByte(request.from, request.to);
  }
}

function run([program = '', ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
    });
  });
}

/** Starts a daemon. It writes to a log. */
function start([program = '', ...args]: readonly string[], log: string): Promise<string> {
  const output = openSync(log, 'a');
  return new Promise((resolve, reject) => {
    const daemon = spawn(program, args, { stdio: ['ignore', output, output] });
    closeSync(output);
    daemon.on('error', reject);
    daemon.on('spawn', () => {
      resolve('');
    });
  });
}

/** Sends one byte over TCP, and waits until it comes back. */
function sendByte(from: string, to: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to, port: echoPort, localAddress: from });
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => socket.end('b'));
    socket.on('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.on('error', (error) => {
      reject(new Error(`no TCP from ${from} to ${to}: ${error.message}`));
    });
  });
}
