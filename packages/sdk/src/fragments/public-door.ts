/**
 * `fragmentDoor`: the door for fragments over HTTP, for apps on a server the SDK doesn't know.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HydraService } from '../options.ts'
import type { Door } from './door.ts'

const doors = new WeakMap<HydraService, Door | undefined>()

/** Remembers which door is whose. */
export function keepDoor(service: HydraService, door: Door | undefined): void {
  doors.set(service, door)
}

/**
 * Answers what a gateway asks of the fragments of a service over HTTP; everything else goes on to `next`, or gets 404
 * where there is none. Put it before body parsers and sign-in: the gateway has no session and proves itself by the
 * key in the path. Not needed where the SDK knows the server, as with the adapters, which do the same by themselves.
 *
 * @example
 * const service = await connect({ name: 'orders', port: 3001, fragments: [checkout] })
 * const door = fragmentDoor(service)
 * createServer((request, response) => door(request, response, () => app(request, response))).listen(3001)
 * @example
 * app.use(fragmentDoor(service)) // Express, as the first of all
 * @throws TypeError for what is no service of this package.
 */
export function fragmentDoor(
  service: HydraService,
): (request: IncomingMessage, response: ServerResponse, next?: () => void) => void {
  if (!doors.has(service)) throw new TypeError('fragmentDoor takes what connect or hydra returned')
  const door = doors.get(service)
  return (request, response, next) => {
    if (door?.(request, response)) return
    if (next) next()
    else response.writeHead(404).end()
  }
}
