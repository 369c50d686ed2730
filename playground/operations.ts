// The playground's initial tabs: one operation per root field of the schema, with variables that work on the sandbox.
// Plain data without browser code, so a test can validate it against the schema.

/** An operation with its variables. */
export interface ReadyOperation {
  /** Document with one named operation. The tab takes that name. */
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const environment = { serviceCode: 'compute-on', name: 'test_area' };
const vpcId = '3fe7d82a-f4c4-4552-ac3b-787fdafed4e7';
const vpnId = 'd49b2922-0581-4587-94df-6fe719327d0f';
const resetVpnId = 'ca86b14f-20db-463d-b58a-9d3fa5959af2';
const taskId = '7b9f2c7e-1d0a-4f4b-9a55-2f3c8c1f6a10';

/** Operations in tab order. The VPN list is first. */
export const readyOperations: readonly ReadyOperation[] = [
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
    query: `# Each mutation returns a task. Put the task's id into the variables within 30 minutes.
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
  {
    query: `mutation createSiteToSiteVpn($input: CreateSiteToSiteVpnInput!) {
  createSiteToSiteVpn(input: $input) {
    alreadyExists
    siteToSiteVpn {
      id
      name
      state
      vpc {
        name
        sourceNatIp
      }
    }
    task {
      id
      status
    }
    userErrors {
      field
      code
      message
    }
  }
}
`,
    variables: {
      input: {
        environment,
        name: 'playground-tunnel',
        vpcId,
        gateway: '203.0.113.200',
        cidr: '10.77.0.0/22',
        ipSecPsk: 'playground0PreSharedKey',
        ikeEncryptionAlgorithm: 'AES256',
        ikeHashAlgorithm: 'SHA1',
        ikeDhGroup: 'MODP_1536',
        ikeLifetime: 86400,
        espEncryptionAlgorithm: 'AES256',
        espHashAlgorithm: 'SHA1',
        espPerfectForwardSecrecy: 'MODP_1536',
        espLifetime: 3600,
        dpd: true,
        forceEncap: false,
        waitSeconds: 10,
      },
    },
  },
  {
    query: `mutation resetSiteToSiteVpn($input: ResetSiteToSiteVpnInput!) {
  resetSiteToSiteVpn(input: $input) {
    siteToSiteVpn {
      id
      name
      state
    }
    task {
      id
      status
    }
    userErrors {
      field
      code
      message
    }
  }
}
`,
    variables: { input: { environment, id: resetVpnId, waitSeconds: 10 } },
  },
  {
    query: `# Changes the attributes that the input has. Version 1 of the REST API cannot update: userErrors say so.
mutation updateSiteToSiteVpn($input: UpdateSiteToSiteVpnInput!) {
  updateSiteToSiteVpn(input: $input) {
    siteToSiteVpn {
      id
      name
      dpd
    }
    task {
      id
      status
    }
    userErrors {
      field
      code
      message
    }
  }
}
`,
    variables: { input: { environment, id: resetVpnId, dpd: true, waitSeconds: 10 } },
  },
  {
    query: `mutation deleteSiteToSiteVpn($input: DeleteSiteToSiteVpnInput!) {
  deleteSiteToSiteVpn(input: $input) {
    deletedSiteToSiteVpnId
    task {
      id
      status
    }
    userErrors {
      field
      code
      message
    }
  }
}
`,
    variables: { input: { environment, id: vpnId, waitSeconds: 10 } },
  },
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
    query: `# The mutations createSiteToSiteVpn, resetSiteToSiteVpn and deleteSiteToSiteVpn return the id of a task.
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
