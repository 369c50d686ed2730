// Environments and what they belong to, as callers see them.
import { Field, ID, ObjectType } from 'type-graphql';
import { MakesRestCall } from '../limits/query-cost.js';

/** Which environment a VPN or VPC was asked from. */
@ObjectType({
  simpleResolvers: true,
  description: 'Which environment a VPN or VPC was asked from: what to send along to ask for it again.',
})
export class EnvironmentScope {
  /** Code of the service connection. */
  @Field(() => String, { description: 'Code of the service connection, e.g. compute-on.' })
  declare serviceCode: string;

  /** Name of the environment. */
  @Field(() => String, { description: 'Name of the environment, e.g. test_area.' })
  declare name: string;

  /** Id of the sub-organization. */
  @Field(() => ID, {
    nullable: true,
    description: "Id of the sub-organization; null in the caller's own organization.",
  })
  declare organizationId: string | null;
}

/** The organization that an environment belongs to. */
@ObjectType({ simpleResolvers: true, description: 'The organization that an environment belongs to.' })
export class Organization {
  /** Its id. */
  @Field(() => ID, { description: 'Its id; what organizationId takes.' })
  declare id: string;

  /** Its name. */
  @Field(() => String, { nullable: true, description: 'Its name.' })
  declare name: string | null;
}

/** The connection to the service that an environment is in. */
@ObjectType({ description: 'The connection to the service that an environment is in.' })
export class ServiceConnection {
  /** Its id. */
  @Field(() => ID, { description: 'Its id.' })
  declare id: string;

  /** Its name. */
  @Field(() => String, { nullable: true, description: 'Its name, e.g. Compute - Québec.' })
  declare name: string | null;
}

/** A place in a service for resources. */
@ObjectType({
  simpleResolvers: true,
  description: 'A place in a service that holds resources, such as VPCs and site-to-site VPNs.',
})
export class Environment {
  /** Its id. */
  @Field(() => ID, { description: 'Its id.' })
  declare id: string;

  /** Its name. */
  @Field(() => String, { description: 'Its name: what EnvironmentInput.name takes.' })
  declare name: string;

  /** What it is for. */
  @Field(() => String, { nullable: true, description: 'What it is for, in the words of those who made it.' })
  declare description: string | null;

  /** Where it is. */
  @MakesRestCall(['id', 'name'])
  @Field(() => ServiceConnection, { nullable: true, description: 'The connection to the service that it is in.' })
  declare serviceConnection: ServiceConnection | null;

  /** Whose it is. */
  @Field(() => Organization, { nullable: true, description: 'The organization that it belongs to.' })
  declare organization: Organization | null;
}
