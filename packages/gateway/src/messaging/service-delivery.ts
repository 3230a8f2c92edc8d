/**
 * Brings a message to an instance of a service, by whatever way reaches one (`flywheel.md` 5.2).
 *
 * @module
 */
import { ROUTER_SERVICE, type UmfAddress, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { MessageCounts } from '../observe/message-counts.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { pinnedId, plainId } from './addressed.ts'
import { type InstanceCarrier, MessageProblem, type Permit, type Sender } from './port.ts'

export interface ServiceDeliveryDeps {
  readonly routerId: string
  readonly table: () => RoutingTable
  readonly vitals: Pick<VitalsBook, 'of'>
  /** An instance that takes no new visitors, but is still there: answers are for it as long as it is. @default unknown */
  readonly memberOf?: ((service: string, instance: string) => Instance | undefined) | undefined
  /** In the order of preference. */
  readonly carriers: () => readonly InstanceCarrier[]
  /** Looks for services that are not heard of by themselves, before nobody is said to be there; false: it did not. */
  readonly look?: (() => Promise<boolean>) | undefined
  readonly permit: Permit
  /** 0 to 1, as Math.random. */
  readonly random: () => number
  readonly counts: Pick<MessageCounts, 'left'>
}

/** Resolves once an instance has it, or its node. Rejects with a MessageProblem. `to` is where the message says it goes. */
export type ServiceDelivery = (message: UmfMessage, to: UmfAddress, sender: Sender) => Promise<'now'>

/** So many instances are tried where nobody has taken a message yet. */
const MOST_TRIES = 3

export function createServiceDelivery(deps: ServiceDeliveryDeps): ServiceDelivery {
  const { routerId, table, vitals, carriers, permit, random, counts } = deps
  /** Services that are looked for. */
  const looking = new Map<string, Promise<boolean>>()

  /** A service in Redis may send before anybody has seen it, and is to get its answers all the same. */
  async function toService(message: UmfMessage, to: UmfAddress, sender: Sender): Promise<'now'> {
    const { service } = to
    if (looking.has(service)) await looked(service)
    try {
      return await toKnownService(message, to, sender)
    } catch (error) {
      if (!isNobody(error) || !(await lookFor(service))) throw error
      return toKnownService(message, to, sender)
    }
  }

  /** What came before it waits for a look: it is not to arrive before that. Who has just found nobody waits first. */
  async function looked(service: string): Promise<void> {
    await undefined
    await looking.get(service)
  }

  /** Everybody waits for one and the same promise: then they go on in the order they came. */
  function lookFor(service: string): Promise<boolean> | undefined {
    const known = table().service(service)
    if (!deps.look || (known && known.channel !== 'flywheel')) return undefined
    const before = looking.get(service)
    if (before) return before
    const look = deps.look().finally(() => looking.delete(service))
    looking.set(service, look)
    return look
  }

  async function toKnownService(message: UmfMessage, to: UmfAddress, sender: Sender): Promise<'now'> {
    const { service } = to
    const instances = table().instances(service)
    if (instances.length === 0 && !table().service(service))
      throw new MessageProblem('unknown-service', noneOf(service))
    const refusal = permit(message, to, sender)
    if (refusal) throw new MessageProblem(refusal.fault, refusal.reason)
    const pinned = pinnedId(message, to)
    const ways = carriers()
    const reachable: (readonly [Instance, InstanceCarrier])[] = []
    for (const instance of pinned === undefined ? instances : named(service, pinned)) {
      const carrier = ways.find((way) => way.carries(instance))
      if (carrier) reachable.push([instance, carrier])
    }
    if (reachable.length === 0 && pinned !== undefined)
      throw new MessageProblem('no-instance', `Instance ${pinned} of ${service} is not available`)
    for (let tries = 1; reachable.length > 0; tries++) {
      const [instance, carrier] = takeOne(reachable)
      try {
        const forIt = { ...message, to: addressOf(instance, to) }
        await carrier.deliver(instance, withWayBack(forIt, instance, sender), sender)
        counts.left('service')
        return 'now'
      } catch (error) {
        // Elsewhere only when nobody can have it.
        const isElsewhere = error instanceof MessageProblem && error.fault === 'no-instance'
        if (!isElsewhere || reachable.length === 0 || tries >= MOST_TRIES) throw error
      }
    }
    throw new MessageProblem('no-instance', noneOf(service))
  }

  function named(service: string, id: string): readonly Instance[] {
    const serving = table()
      .instances(service)
      .filter((instance) => plainId(instance.id) === id)
    const other = serving.length > 0 ? undefined : deps.memberOf?.(service, id)
    return other ? [other] : serving
  }

  /** Services in Redis know none that keep a line: their answers come to this router, and `forward` says for whom. */
  function withWayBack(message: UmfMessage, { channel }: Instance, sender: Sender): UmfMessage {
    const isTold = channel !== 'flywheel' || sender.kind !== 'service' || sender.isHearsay || message.via
    if (isTold) return message
    const { service, instance } = sender
    return {
      ...message,
      via: `${routerId}-${plainId(instance)}@${ROUTER_SERVICE}:/`,
      forward: message.forward || `${plainId(instance)}@${service}:/`,
    }
  }

  /** A random one; of those that refuse connections only when there is no other. */
  function takeOne<One extends readonly [Instance, unknown]>(reachable: One[]): One {
    const well = reachable.filter(([{ id }]) => !vitals.of(id).resting)
    const among = well.length > 0 ? well : reachable
    const chosen = among[Math.floor(random() * among.length)]!
    reachable.splice(reachable.indexOf(chosen), 1)
    return chosen
  }

  return toService
}

/** The sentence of the original. */
const noneOf = (service: string): string => `No ${service} instances available`

const addressOf = ({ id }: Instance, { service, method, path }: UmfAddress): string =>
  `${plainId(id)}@${service}:${method === undefined ? '' : `[${method}]`}${path}`

function isNobody(error: unknown): boolean {
  return error instanceof MessageProblem && ['unknown-service', 'no-instance'].includes(error.fault)
}
