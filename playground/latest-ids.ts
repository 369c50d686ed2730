// The ids that the page has received from mutations, for prepared operations that need one.
import { createdVpnId, taskId } from './operations/sample-values.js';

// Ids of this page, by the placeholder that they replace.
const latestIds = new Map<string, string>();

/** Keeps the ids of the created VPN and of the task, if a result has them. */
export function keepIds(result: object): void {
  const read = (value: unknown, name: string): unknown => {
    if (typeof value !== 'object' || value === null) return undefined;
    return new Map<string, unknown>(Object.entries(value)).get(name);
  };
  const data = read(result, 'data');
  if (typeof data !== 'object' || data === null) return;
  for (const [field, payload] of Object.entries(data)) {
    const task = read(read(payload, 'task'), 'id');
    if (typeof task === 'string') latestIds.set(taskId, task);
    const vpn = field === 'createSiteToSiteVpn' ? read(read(payload, 'siteToSiteVpn'), 'id') : undefined;
    if (typeof vpn === 'string') latestIds.set(createdVpnId, vpn);
  }
}

/** Returns variables with the placeholders replaced by the latest ids, as far as there are any. */
export function withLatestIds(variables: string): string {
  return [...latestIds].reduce((text, [placeholder, id]) => text.replaceAll(placeholder, id), variables);
}
