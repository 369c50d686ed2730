// The audit log: a line for each write, and for each operation that has read pre-shared keys. Who did it is told by a keyed hash, which
// says whether two deeds were of the same key, and to nobody which key that is.
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { strike } from '../../cloudca/envelope.js';
import type { Deed } from '../../graph/context.js';

/** Takes note of a deed of the caller that has a key. */
export type Audit = (apiKey: string, facts: AuditFacts, deed: Deed) => void;

/** What ties a line to the operation. */
export interface AuditFacts {
  readonly requestId: string;
  readonly traceId?: string | undefined;
}

/**
 * Makes the audit log. `hashKey` keys the hashes: with the same one, a caller is known again by other processes, and after a start;
 * without one, by this process alone.
 */
export function createAudit(log: Logger, hashKey: string | undefined): Audit {
  // Whatever the level of other lines: that they were left out would be found out when they are needed.
  const always = log.child({}, { level: 'info' });
  const secret = hashKey ?? randomBytes(32);
  return (apiKey, facts, { environment, siteToSiteVpns, taskId, ...deed }) => {
    const who = createHmac('sha256', secret).update(apiKey).digest('base64url').slice(0, 22);
    // Names are the caller's to choose and ids the REST API's: the key may stand in any.
    const withoutKey = (text: string) => strike(text, [apiKey]);
    const where = environment && {
      serviceCode: withoutKey(environment.serviceCode),
      name: withoutKey(environment.name),
      organizationId: environment.organizationId && withoutKey(environment.organizationId),
    };
    const what = { ...deed, siteToSiteVpns: siteToSiteVpns.map(withoutKey), taskId: taskId && withoutKey(taskId) };
    always.info({ ...facts, who, ...what, environment: where }, 'audit');
    // Before the caller is answered.
    always.flush();
  };
}
