// Query.vpc and Query.vpcs.
import { Arg, Args, ArgsType, Authorized, Ctx, Field, ID, Query, Resolver } from 'type-graphql';
import { type Connection, PageArgs, toConnection, toPage } from '../connection.js';
import type { GraphContext } from '../context.js';
import { MakesRestCall } from '../limits/query-cost.js';
import { EnvironmentInput, readAddress } from '../environment/environment.inputs.js';
import { isId } from '../validators.js';
import { Vpc, VpcConnection } from './vpc.type.js';

/** Arguments of Query.vpcs. */
@ArgsType()
export class VpcsArgs extends PageArgs {
  /** Where. */
  @Field(() => EnvironmentInput, { description: 'The environment to list.' })
  declare environment: EnvironmentInput;
}

/** VPCs. */
@Resolver(() => Vpc)
export class VpcResolver {
  /** One VPC. */
  @Authorized()
  @MakesRestCall()
  @Query(() => Vpc, { nullable: true, description: 'One VPC; null where the environment has none of that id.' })
  async vpc(
    @Arg('environment', () => EnvironmentInput, { description: 'The environment that it is in.' })
    environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Its id, a UUID.' }) id: string,
    @Ctx('operation') context: GraphContext,
  ): Promise<Vpc | null> {
    const address = readAddress(environment);
    return isId(id) ? context.loaders.vpcs.one.load({ environment: address, id, reach: 'one' }) : null;
  }

  /** The VPCs of an environment. */
  @Authorized()
  @MakesRestCall()
  @Query(() => VpcConnection, {
    nullable: true,
    description: 'The VPCs of an environment, ordered by name. Without first or last: all of them.',
  })
  async vpcs(@Args(() => VpcsArgs) args: VpcsArgs, @Ctx('operation') context: GraphContext): Promise<Connection<Vpc>> {
    const environment = readAddress(args.environment);
    const page = toPage('vpc', args);
    return toConnection('vpc', await context.loaders.vpcs.list(environment), page);
  }
}
