// The audit log: one line for each write, and for each operation that read pre-shared keys. A keyed hash identifies the caller.
import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { Secrets } from '../../cloudca/redact.js';
import type { AuditEvent } from '../../graph/context.js';
import { auditMessage } from './log-destination.js';

/** Records an audit event of the caller with an API key. */
export type RecordAudit = (apiKey: string, context: AuditContext, event: AuditEvent) => void;

/** Relates an audit line to its operation. */
export interface AuditContext {
  readonly requestId: string;
  readonly traceId?: string | undefined;
}

/**
 * Creates the audit log. `hashKey` keys the hash of the API key, `actor`. Processes with the same hash key write the same `actor` for a
 * caller. Without one, the process uses a random key.
 */
export function createAuditLog(log: Logger, hashKey: string | undefined): RecordAudit {
  // Independent of LOG_LEVEL: an audit log with gaps is of no use.
  const auditLog = log.child({}, { level: 'info' });
  const secret = hashKey ?? randomBytes(32);
  return (apiKey, context, { environment, siteToSiteVpns, taskId, ...event }) => {
    const actor = createHmac('sha256', secret).update(apiKey).digest('base64url').slice(0, 22);
    // The client chooses names and the REST API chooses ids, so any of them may contain the API key.
    const secrets = new Secrets([apiKey]);
    const withoutKey = (text: string) => secrets.redact(text);
    const redacted = {
      siteToSiteVpns: siteToSiteVpns.map(withoutKey),
      taskId: taskId && withoutKey(taskId),
      environment: environment && {
        serviceCode: withoutKey(environment.serviceCode),
        name: withoutKey(environment.name),
        organizationId: environment.organizationId && withoutKey(environment.organizationId),
      },
    };
    auditLog.info({ ...context, actor, ...event, ...redacted }, auditMessage);
  };
}
