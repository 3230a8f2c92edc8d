/**
 * Follows what a gateway says of all services: whole overviews, or what changed since the one that is known.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import {
  applyDelta,
  checkedText,
  type KnownOverview,
  MOST_PARTS,
  MOST_PARTS_BYTES,
  type Overview,
  type OverviewDelta,
  sayParts,
} from '@hydra-gateway/protocol'
import { ERROR_CODES, type Peer, ROUTES, RSocketError } from '@hydra-gateway/protocol/rsocket'

export interface OverviewFollowing {
  readonly peer: Pick<Peer, 'stream' | 'isOpen'>
  /** What is known, by another line perhaps. */
  readonly known: KnownOverview | undefined
  /** Called with each overview; not with the one that is known. */
  readonly onOverview: (known: KnownOverview) => void
  /** The gateway says no more. */
  readonly onEnd: (error: RSocketError | undefined) => void
}

/** What is asked for: the parts that are known and differ, all of them, or overviews as older gateways send them. */
type Way = 'known' | 'all' | 'whole'

/** Follows for as long as the line is open. A change that does not fit is answered by asking for everything. */
export function followOverviews({ peer, known: first, onOverview, onEnd }: OverviewFollowing): void {
  ask(first, sayable(first) ? 'known' : 'all')

  function ask(before: KnownOverview | undefined, way: Way): void {
    let known = before
    let isAnswered = false
    const stream = peer.stream(ROUTES.overview, questionOf(known, way), {
      onItem(item) {
        try {
          known = next(known, item as Overview | OverviewDelta)
        } catch {
          stream.cancel()
          if (way === 'whole') onEnd(new RSocketError(ERROR_CODES.INVALID, 'an overview that makes no sense'))
          else ask(undefined, way === 'all' && !isAnswered ? 'whole' : 'all')
          return
        }
        isAnswered = true
        onOverview(known)
        stream.request(1)
      },
      onEnd(error) {
        // More than this gateway reads, perhaps.
        if (way === 'known' && !isAnswered && error && peer.isOpen()) ask(undefined, 'all')
        else onEnd(error)
      },
    })
  }
}

function questionOf(known: KnownOverview | undefined, way: Way): unknown {
  const hash = known?.overview.hash ?? null
  if (way === 'whole') return { hash }
  return { hash, parts: way === 'known' && known?.parts ? sayParts(known.parts) : {} }
}

function next(known: KnownOverview | undefined, item: Overview | OverviewDelta): KnownOverview {
  if (item.type === 'ACTIVE_SERVERS_DELTA') return applyDelta(known, item, digest)
  return { overview: item }
}

/** Whether the gateway compares so many. */
function sayable(known: KnownOverview | undefined): boolean {
  if (!known?.parts) return false
  const { services, menus } = known.parts
  return (
    services.length + menus.length <= MOST_PARTS &&
    Buffer.byteLength(checkedText(known.parts)) <= MOST_PARTS_BYTES
  )
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}
