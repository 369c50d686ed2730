// The settings of a VPN that a user can choose. Its page and its edit form show the same.
import { graphql } from '../gql';

/** All settings except the name, the remote networks and the pre-shared key. */
export const Settings = graphql(`
  fragment Settings on SiteToSiteVpn {
    gateway
    vpcId
    vpc {
      id
      name
    }
    ...Algorithms
    ikeLifetime
    espLifetime
    dpd
    forceEncap
    unknownValues {
      field
      value
    }
  }
`);
