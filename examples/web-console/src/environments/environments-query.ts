// What may be chosen. Asked for once a session: every page reads it from the cache.
import { graphql } from '../gql';

/** The environments that the key can see. */
export const EnvironmentsQuery = graphql(`
  query Environments {
    environments {
      id
      name
      description
      serviceConnection {
        id
        name
        serviceCode
        reachable
      }
    }
  }
`);
