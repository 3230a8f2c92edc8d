/**
 * Whom a message is for: what its addresses say, read once.
 *
 * @module
 */
import {
  CLIENT_SERVICE,
  parseAddress,
  ROUTER_SERVICE,
  type UmfAddress,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'

const TO_ROUTER = new RegExp(`^(?:[^:@]*@)?${ROUTER_SERVICE}:`)

/** Whether an address is that of a router, by its name alone or with its id, as `parseAddress` would say, for less. */
export const isToRouter = ({ to }: Pick<UmfMessage, 'to'>): boolean => TO_ROUTER.test(to)

/**
 * The client a message is for, by an address of it, by the way back a service was given, or by `forward`; undefined when
 * it is for none.
 *
 * @throws UmfError for addresses that are none
 */
export function clientOf(message: Pick<UmfMessage, 'to' | 'forward'>, to: UmfAddress): string | undefined {
  if (to.service === CLIENT_SERVICE) return to.instance
  if (to.service !== ROUTER_SERVICE) return undefined
  if (to.subid !== undefined) return to.subid
  if (!message.forward) return undefined
  const forward = parseAddress(message.forward)
  return forward.service === CLIENT_SERVICE ? forward.instance : undefined
}

/** The client a message that came by Redis is for: by `via` when that names one (`flywheel.md` 5.3). */
export function clientOfRelayed(message: UmfMessage): string | undefined {
  const via = message.via ? parseAddress(message.via) : undefined
  return via?.subid ?? clientOf(message, parseAddress(message.to))
}

/**
 * The service with a line a message that came by Redis is for, by `forward`: an answer, whose `via` names its instance, or
 * what somebody in Redis asks a router to bring on. Undefined when it is for a client.
 */
export function serviceOfRelayed({ to, via, forward }: UmfMessage): string | undefined {
  if (!forward) return undefined
  const { service, instance } = parseAddress(forward)
  if (service === CLIENT_SERVICE || service === ROUTER_SERVICE) return undefined
  const isAnswer = via ? parseAddress(via).subid === instance && instance !== undefined : false
  const isToBringOn = !via && parseAddress(to).subid === undefined
  return isAnswer || isToBringOn ? service : undefined
}

/** Whether a message came from another client, by its `via`: that names a router alone, and in an answer whom it is for. */
export function cameFromClient(via: string): boolean {
  try {
    return parseAddress(via).subid === undefined
  } catch {
    return false
  }
}

/** An instance id as it stands in addresses: what follows a dash would be something else there. */
export const plainId = (instance: string): string => instance.replaceAll('-', '')

/** The instance an address names, whole, as it was written with dashes or without; undefined when it names none. */
export function pinnedId(
  { to }: Pick<UmfMessage, 'to'>,
  { instance, subid }: UmfAddress,
): string | undefined {
  if (instance === undefined) return undefined
  return plainId(subid === undefined ? instance : to.slice(0, to.indexOf('@')))
}
