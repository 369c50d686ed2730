// Put into each measured process by --import: tells over IPC what the process has used, and where its time went. The same for all, so
// that all are counted in the same way.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const session = new Session();

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('ask' in message)) return;
  if (message.ask === 'usage') {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() });
  }
  if (message.ask === 'profile' && 'seconds' in message && 'file' in message) {
    void profile(Number(message.seconds), String(message.file));
  }
});
// It must not keep alive a process that would end.
process.channel?.unref();

async function profile(seconds: number, file: string): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 500 });
  await session.post('Profiler.start');
  setTimeout(() => {
    void session.post('Profiler.stop').then(({ profile: made }) => {
      writeFileSync(file, JSON.stringify(made));
      session.disconnect();
      process.send?.({ file });
    });
  }, seconds * 1000);
}
