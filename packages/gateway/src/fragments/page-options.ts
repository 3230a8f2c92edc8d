/**
 * What a page that is composed is told, and what it tells.
 *
 * @module
 */
import type { FragmentReport } from '@hydra-gateway/protocol'
import type { Asset, FragmentTag, Position, SiteTags } from '@hydra-gateway/protocol/fragments'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { AnswerSink } from '../proxy/composition.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { FragmentObserver } from './observe.ts'
import type { MarkFragment } from './page-marks.ts'
import type { PageText } from './page-text.ts'
import type { Outcome, PageContext, Resolver } from './port.ts'
import type { FragmentSettings } from './settings.ts'

/** What became of a page. */
export type PageOutcome = 'whole' | 'fallbacks' | 'refused' | 'broken' | 'left'

/** What a developer sees of a page; everything it returns is put into the page. */
export interface PageXray {
  /** In front of a fragment that settled, whether it or its fallback is shown. */
  before(outcome: Outcome): string
  after(outcome: Outcome): string
  /** A fragment settled, also one inside of another. */
  report(report: FragmentReport): void
  /** Just before `</body>`, or where the page ends; every fragment before it has settled. */
  end(): string
}

export interface PageDeps {
  readonly resolver: Pick<Resolver, 'open'>
  readonly settings: Pick<
    FragmentSettings,
    'pageBudgetMs' | 'maxPerPage' | 'readAheadBytes' | 'maxFallbackBytes' | 'maxHeldBytes'
  >
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly observer: Pick<FragmentObserver, 'dropped'>
}

/** One page, as whoever composes it tells. */
export interface PageOptions {
  readonly exchange: Exchange
  readonly text: PageText
  /** Nothing leaves before the required fragments of the beginning are there. */
  readonly holds: boolean
  /** Where it goes. */
  readonly output: AnswerSink
  readonly context: PageContext
  readonly xray: PageXray | undefined
  /** Menus and links, for whom the page is for; undefined where there are none. */
  readonly site: SiteTags | undefined
  /** Marks live fragments; undefined for a page that nobody can fetch again. */
  readonly markOf: MarkFragment | undefined
  /** Assets that are known of a fragment before it is rendered, and those of one that was. */
  readonly declaredAssets: (tag: FragmentTag) => readonly Asset[]
  readonly assetsOf: (outcome: Outcome) => readonly Asset[]
  /** Writes the head. Called once, before anything is written to `output`. */
  readonly begin: (settled: readonly Outcome[]) => void
  /** Nothing has left, and a required fragment failed: answers something else. */
  readonly refuse: (outcome: Outcome) => void
  /** Ends the call of the service: the rest of its page is not wanted. */
  readonly leaveService: () => void
  /** A tag holds what is likely a mistake. */
  readonly onTagWarnings: (at: Position, tag: string, warnings: readonly string[]) => void
  /** Called once. `assets`: those that were known before their fragments were rendered. */
  readonly onEnd: (outcome: PageOutcome, assets: readonly Asset[]) => void
}
