// The GraphQL types of environments, and of the service connections and organizations that they belong to.
import { Field, ID, ObjectType } from 'type-graphql';
import { MakesRestCalls } from '../limits/query-cost.js';

/** Names the environment that an object was loaded from, in the form that EnvironmentInput takes. */
@ObjectType({
  simpleResolvers: true,
  description:
    'Environment that a VPN or VPC was loaded from. Send the same values as EnvironmentInput to load it again.',
})
export class EnvironmentScope {
  @Field(() => String, { description: 'Code of the service connection, e.g. compute-on.' })
  declare serviceCode: string;

  @Field(() => String, { description: 'Name of the environment, e.g. test_area.' })
  declare name: string;

  @Field(() => ID, {
    nullable: true,
    description: "Id of the sub-organization; null in the caller's own organization.",
  })
  declare organizationId: string | null;
}

/** Names an organization that the API key may work in. */
@ObjectType({ simpleResolvers: true, description: 'Organization that an environment belongs to.' })
export class Organization {
  @Field(() => ID, { description: 'Id of the organization: the value for EnvironmentInput.organizationId.' })
  declare id: string;

  @Field(() => String, { nullable: true, description: 'Name of the organization.' })
  declare name: string | null;
}

/** Names a connection to a service. Its other fields may take a REST call of their own (ServiceConnectionResolver). */
@ObjectType({ description: 'Connection to the service that an environment is in.' })
export class ServiceConnection {
  @Field(() => ID, { description: 'Id of the service connection.' })
  declare id: string;

  @Field(() => String, { nullable: true, description: 'Name of the service connection, e.g. Compute - Québec.' })
  declare name: string | null;
}

/** Describes an environment, as the REST API lists it. */
@ObjectType({
  simpleResolvers: true,
  description: 'Environment of a service: it holds resources such as VPCs and site-to-site VPNs.',
})
export class Environment {
  @Field(() => ID, { description: 'Id of the environment.' })
  declare id: string;

  @Field(() => String, { description: 'Name of the environment: the value for EnvironmentInput.name.' })
  declare name: string;

  @Field(() => String, { nullable: true, description: 'Purpose of the environment, as its creator described it.' })
  declare description: string | null;

  @MakesRestCalls(['serviceConnections'], ['id', 'name'])
  @Field(() => ServiceConnection, {
    nullable: true,
    description: 'Connection to the service that the environment is in.',
  })
  declare serviceConnection: ServiceConnection | null;

  @Field(() => Organization, { nullable: true, description: 'Organization that the environment belongs to.' })
  declare organization: Organization | null;
}
