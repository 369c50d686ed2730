// The headers that keep a browser from doing more with an answer than it is for, as helmet has them. They are the same for every answer.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** The headers of every answer, by name; the playground has a content security policy of its own. */
export const secureHeaders: Readonly<Record<string, string>> = collect();

// helmet is a middleware, which would find out anew for each answer what comes out the same.
function collect(): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const answer = new ServerResponse(request);
  const set = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    // Whether there is TLS is for what stands in front to say.
    strictTransportSecurity: false,
    // For browsers that are no more, or of no use to data and to the playground under its own policy: each would go along with every answer.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  set(request, answer, (error) => {
    if (error !== undefined) throw new TypeError('The security headers cannot be made.', { cause: error });
  });
  return Object.fromEntries(Object.entries(answer.getHeaders()).map(([name, value]) => [name, String(value)]));
}
