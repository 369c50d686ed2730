// Query.vpc and Query.vpcs.
import { Arg, Args, ArgsType, Authorized, Ctx, Field, ID, Query, Resolver } from 'type-graphql';
import { type Connection, PageArgs, toConnection, parsePage } from '../connection.js';
import type { GraphContext } from '../context.js';
import { MakesRestCalls } from '../limits/query-cost.js';
import { EnvironmentInput, toValidAddress } from '../environment/environment.inputs.js';
import { isId } from '../validators.js';
import { Vpc, VpcConnection } from './vpc.type.js';

/** Arguments of Query.vpcs. */
@ArgsType()
export class VpcsArgs extends PageArgs {
  @Field(() => EnvironmentInput, { description: 'Environment whose VPCs are listed.' })
  declare environment: EnvironmentInput;
}

/** Resolves Query.vpc and Query.vpcs. */
@Resolver(() => Vpc)
export class VpcResolver {
  @Authorized()
  @MakesRestCalls(['vpcs'])
  @Query(() => Vpc, { nullable: true, description: 'VPC by id; null if the environment has no VPC with this id.' })
  async vpc(
    @Arg('environment', () => EnvironmentInput, { description: 'Environment that the VPC is in.' })
    environment: EnvironmentInput,
    @Arg('id', () => ID, { description: 'Id of the VPC, a UUID.' }) id: string,
    @Ctx('operation') context: GraphContext,
  ): Promise<Vpc | null> {
    const address = toValidAddress(environment);
    return isId(id) ? context.loaders.vpcs.one.load({ environment: address, id, loadStrategy: 'one' }) : null;
  }

  @Authorized()
  @MakesRestCalls(['vpcs'])
  @Query(() => VpcConnection, {
    nullable: true,
    description: 'VPCs of an environment, ordered by name; all of them unless first or last is sent.',
  })
  async vpcs(@Args(() => VpcsArgs) args: VpcsArgs, @Ctx('operation') context: GraphContext): Promise<Connection<Vpc>> {
    const environment = toValidAddress(args.environment);
    const page = parsePage('vpc', args);
    return toConnection('vpc', await context.loaders.vpcs.list(environment), page);
  }
}
