/**
 * What happened, as one line: from the gateway's log, and from what was done with the keys.
 *
 * @module
 */
import type { ServiceState } from '@hydra-gateway/protocol'
import { shortId } from '../shop/shop.ts'

export interface DemoEvent {
  /** Epoch ms. */
  readonly at: number
  /** State of the service from here on, where it changed. */
  readonly state?: ServiceState
  readonly service?: string
  readonly text: string
}

type LogLine = Readonly<Record<string, unknown>>

/** Reads lines of the gateway's log. Holds how many instances of each service serve. */
export function createLogReader(): { read(line: LogLine): DemoEvent | undefined } {
  const serving = new Map<string, Set<string>>()

  function read(line: LogLine): DemoEvent | undefined {
    const { msg, service, instance, time, reason } = line
    if (typeof service !== 'string' || typeof instance !== 'string') return undefined
    const ids = serving.get(service) ?? new Set()
    serving.set(service, ids)
    const said = (text: string, state?: ServiceState): DemoEvent => ({
      at: Date.parse(String(time)),
      service,
      text: `${shortId(service, instance)} ${text}`,
      ...(state ? { state } : {}),
    })
    switch (msg) {
      case 'instance registered':
      case 'instance recovered': {
        ids.add(instance)
        const verb =
          msg === 'instance recovered' ? 'is back, its channel is open again' : 'registered, serving'
        return said(verb, 'available')
      }
      case 'instance out of rotation':
        ids.delete(instance)
        return left(said, ids.size, `out at once, ${reason}`)
      case 'instance left':
        // One that was out of rotation before is no news any more.
        if (!ids.delete(instance)) return undefined
        return left(said, ids.size, reason === 'it deregistered' ? 'left politely' : `left, ${reason}`)
      case 'instance refuses connections':
        return said('refuses connections, passed over')
      default:
        return undefined
    }
  }
  return { read }
}

function left(
  said: (text: string, state?: ServiceState) => DemoEvent,
  others: number,
  text: string,
): DemoEvent {
  if (others === 0) return said(text, 'down')
  return said(`${text}; ${others} left`)
}
