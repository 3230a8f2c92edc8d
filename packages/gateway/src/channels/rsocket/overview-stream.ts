/**
 * The stream of overviews a service follows: whole ones, or what changed where it says that it takes that.
 *
 * @module
 */
import { ERROR_CODES, RSocketError, type Sink, type Source } from '@hydra-gateway/protocol/rsocket'
import { readStanding, type Standing } from '../overview-delta.ts'
import type { Knows, OverviewPost } from '../overview-post.ts'
import type { Registrar } from '../port.ts'
import type { ToldOverviews } from '../told-overview.ts'

export interface OverviewStreamDeps {
  readonly registrar: Pick<Registrar, 'overview' | 'onOverview'>
  readonly told: ToldOverviews
  readonly post: OverviewPost
  readonly service: string | undefined
  /** What the service has, as it says: hash of the last overview, and its parts where it takes deltas. */
  readonly hash: unknown
  readonly parts: unknown
  readonly sink: Sink
}

/**
 * Snapshot first unless the service has it, then the latest whenever there is demand and it is its turn.
 *
 * @throws RSocketError for parts that are none
 */
export function openOverviewStream(deps: OverviewStreamDeps): Source {
  const { registrar, told, post, service, parts, sink } = deps
  const takesDeltas = parts !== undefined && parts !== null
  let standing = takesDeltas ? standingOf(deps) : undefined
  let has = deps.hash
  let demand = 0
  let latest = registrar.overview()
  const isNews = (): boolean => told.hashOf(latest, service) !== has
  let knows: Knows = typeof has === 'string' ? 'former' : 'nothing'
  const deliver = (): void => {
    if (demand === 0 || !isNews()) return
    demand--
    knows = 'ours'
    has = told.hashOf(latest, service)
    const before = standing
    if (takesDeltas) standing = told.partsOf(latest, service)
    sink.next(takesDeltas ? told.deltaOf(before, latest, service) : told.bytesOf(latest, service))
  }
  const stop = registrar.onOverview((next) => {
    latest = next
    if (demand > 0 && isNews()) post.ask(deliver, knows)
  })
  return {
    request(count) {
      demand += count
      if (isNews()) post.ask(deliver, knows)
      else knows = 'ours'
    },
    cancel() {
      stop()
      post.drop(deliver)
    },
  }
}

function standingOf({ hash, parts, told }: OverviewStreamDeps): Standing | undefined {
  try {
    const standing = readStanding(hash, parts)
    return standing && told.shared(standing)
  } catch (error) {
    throw new RSocketError(ERROR_CODES.APPLICATION_ERROR, (error as Error).message, 'HYDRA_BAD_REQUEST')
  }
}
