// Loopback names and addresses: those that always mean this machine.

const loopbackHost = /^(?:(?:[\w-]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/**
 * Reports whether a host always means this machine (RFC 6761, 6.3; RFC 1122, 3.2.1.3): `localhost`, a name below it, an address of
 * 127.0.0.0/8, or `[::1]`. `host` has no port, and must be one that a URL can have.
 */
export function isLoopbackHost(host: string): boolean {
  return loopbackHost.test(host);
}
