// Ends the process even if the operating system hangs. `process.exit` waits for the threads that read files and look up DNS names. On a
// network file system or a DNS server that does not respond, a thread never ends, and only SIGKILL ends the process.

import { setTimeout as sleep } from 'node:timers/promises';

/** Makes every exit of the process final: if a file read or a DNS lookup is still in flight, SIGKILL replaces the exit code. */
export function addLastFuse(): void {
  process.on('exit', () => {
    if (areThreadsBusy()) process.kill(process.pid, 'SIGKILL');
  });
}

/** Resolves when no file read and no DNS lookup is in flight, so that the process can exit with its exit code. */
export async function whenThreadsAreIdle(): Promise<void> {
  while (areThreadsBusy()) await sleep(pollMs);
}

const pollMs = 10;

function areThreadsBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|GetAddrInfo|GetNameInfo)/.test(name));
}
