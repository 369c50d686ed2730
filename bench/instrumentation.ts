// Reports CPU time, memory and CPU profiles of a measured process over IPC. Every contender on Node loads it with --import, so that
// all are measured in the same way.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const session = new Session();

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('type' in message)) return;
  if (message.type === 'usage') {
    const { user, system } = process.cpuUsage();
    process.send?.({
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    });
  }
  if (message.type === 'profile' && 'seconds' in message && 'file' in message) {
    void writeProfile(Number(message.seconds), String(message.file));
  }
});
// The IPC channel must not keep the process alive.
process.channel?.unref();

async function writeProfile(seconds: number, file: string): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  setTimeout(() => {
    void session.post('Profiler.stop').then(({ profile }) => {
      writeFileSync(file, JSON.stringify(profile));
      session.disconnect();
      process.send?.({ file });
    });
  }, seconds * 1000);
}
