// The prepared mutations.
import type { ReadyOperation } from '../operations.js';
import { environment, vpcId, resetVpnId, createdVpnId } from './sample-values.js';

/** Mutations of the list of prepared operations. */
export const mutations: readonly ReadyOperation[] = [
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
    query: `# Changes the attributes that the input has.
# Version 1 of the REST API cannot update: userErrors say so.
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
    query: `# Deletes the VPN that this page created last.
# For another VPN, put its id into the variables.
mutation deleteSiteToSiteVpn($input: DeleteSiteToSiteVpnInput!) {
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
    variables: { input: { environment, id: createdVpnId, waitSeconds: 10 } },
  },
];
