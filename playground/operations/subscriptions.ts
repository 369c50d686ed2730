// The prepared subscriptions.
import type { ReadyOperation } from '../operations.js';
import { environment, resetVpnId, taskId } from './sample-values.js';

/** Subscriptions of the list of prepared operations. */
export const subscriptions: readonly ReadyOperation[] = [
  {
    query: `subscription siteToSiteVpnsUpdated($environment: EnvironmentInput!) {
  siteToSiteVpnsUpdated(environment: $environment) {
    totalCount
    nodes {
      name
      state
      vpc {
        name
      }
    }
  }
}
`,
    variables: { environment },
  },
  {
    query: `subscription siteToSiteVpnUpdated($environment: EnvironmentInput!, $id: ID!) {
  siteToSiteVpnUpdated(environment: $environment, id: $id) {
    name
    state
  }
}
`,
    variables: { environment, id: resetVpnId },
  },
  {
    query: `# Each mutation returns a task. Put its id into the variables.
subscription taskUpdated($id: ID!, $environment: EnvironmentInput) {
  taskUpdated(id: $id, environment: $environment) {
    status
    siteToSiteVpn {
      name
      state
    }
    errors {
      code
      message
    }
  }
}
`,
    variables: { id: taskId, environment },
  },
];
