// Put into each measured process by --import: tells over IPC what the process has used. The same for all, so that all are counted in
// the same way.
process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('ask' in message) || message.ask !== 'usage') return;
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage.rss() });
});
// It must not keep alive a process that would end.
process.channel?.unref();
