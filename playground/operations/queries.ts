// The prepared queries.
import type { ReadyOperation } from '../operations.js';
import { environment, vpcId, vpnId, taskId } from './sample-values.js';

/** Queries of the list of prepared operations. The VPN list is first, and open at the start. */
export const queries: readonly ReadyOperation[] = [
  {
    query: `query siteToSiteVpns($environment: EnvironmentInput!) {
  siteToSiteVpns(environment: $environment) {
    totalCount
    nodes {
      id
      name
      state
      gateway
      cidr
      vpc {
        name
      }
      securityAdvisories {
        field
        severity
        message
      }
    }
  }
}
`,
    variables: { environment },
  },
  {
    query: `query siteToSiteVpn($environment: EnvironmentInput!, $id: ID!) {
  siteToSiteVpn(environment: $environment, id: $id) {
    id
    name
    state
    gateway
    cidr
    vpc {
      name
      cidr
      sourceNatIp
    }
    ikeEncryptionAlgorithm
    ikeHashAlgorithm
    ikeDhGroup
    ikeLifetime
    espEncryptionAlgorithm
    espHashAlgorithm
    espPerfectForwardSecrecy
    espLifetime
    dpd
    forceEncap
    securityAdvisories {
      field
      severity
      message
      reference
    }
    unknownValues {
      field
      value
    }
    networkOverlaps {
      cidr
      overlapsWith
      kind
      siteToSiteVpn {
        name
      }
    }
    remoteEnd {
      localAddress
      peerAddress
      localNetworks
      peerNetworks
    }
  }
}
`,
    variables: { environment, id: vpnId },
  },
  {
    query: `query vpcs($environment: EnvironmentInput!) {
  vpcs(environment: $environment) {
    totalCount
    nodes {
      id
      name
      cidr
      sourceNatIp
      siteToSiteVpns {
        totalCount
        nodes {
          name
          state
        }
      }
    }
  }
}
`,
    variables: { environment },
  },
  {
    query: `query vpc($environment: EnvironmentInput!, $id: ID!) {
  vpc(environment: $environment, id: $id) {
    id
    name
    description
    cidr
    zoneName
    state
    networkDomain
    sourceNatIp
    siteToSiteVpns {
      totalCount
      nodes {
        name
        state
        gateway
      }
    }
  }
}
`,
    variables: { environment, id: vpcId },
  },
  {
    query: `query environments {
  environments {
    id
    name
    description
    organization {
      id
      name
    }
    serviceConnection {
      name
      serviceCode
      reachable
    }
  }
}
`,
    variables: {},
  },
  {
    query: `# Each mutation returns a task. Run this within 30 minutes,
# with the task's id in the variables.
query task($id: ID!, $environment: EnvironmentInput) {
  task(id: $id, environment: $environment) {
    id
    status
    created
    siteToSiteVpn {
      id
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
