/**
 * What a developer sees of one page: comments around its fragments, and its data at the end.
 *
 * @module
 */
import type { FragmentReport } from '@hydra-gateway/protocol'
import { fragmentMarkers, xrayTags } from '@hydra-gateway/protocol/fragments'
import type { Exchange } from '../proxy/exchange.ts'
import type { PageXray } from './page-options.ts'
import type { PageContext } from './port.ts'

/** Begins when the head of the page leaves. `now` is that of the exchange, `performance.now`. */
export function createPageXray(
  { id: exchange, startedAt }: Pick<Exchange, 'id' | 'startedAt'>,
  { service }: Pick<PageContext, 'service'>,
  now: () => number = () => performance.now(),
): PageXray {
  const headMs = now() - startedAt
  const reports = new Map<string, FragmentReport>()
  /** In document order, as they left. */
  const shown: string[] = []

  return {
    before({ report: { id } }) {
      shown.push(id)
      return fragmentMarkers(id).begin
    },
    after: ({ report: { id } }) => fragmentMarkers(id).end,
    report: (report) => void reports.set(report.id, report),
    end() {
      // Those inside of others have no place of their own in the page's order.
      const ids = new Set([...shown, ...reports.keys()])
      const fragments = [...ids].flatMap((id) => reports.get(id) ?? [])
      return xrayTags({ service, exchange, headMs, totalMs: now() - startedAt, fragments })
    },
  }
}
