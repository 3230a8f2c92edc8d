/**
 * Events as lines: what happened to whom, and why. For people at a terminal of any width, and plain for pipes.
 *
 * A change of one instance that visitors feel is two events; it is one line.
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import { SERVICE_STATES, type SiteEvent, type WatchHello } from '@hydra-gateway/protocol'
import { siteSentence } from '../commands/services.ts'
import { formatCount, printable, versionOf, widthOf } from '../table.ts'
import { wrap } from '../wrap.ts'

export interface Lines {
  /** Takes in how things are: for widths, and for how long something was down. */
  learn(hello: WatchHello): void
  /** What there is to show of an event; undefined for one that another line has told already. */
  read(event: SiteEvent): Line | undefined
}

/** An event as it is shown. */
export interface Line {
  readonly at: number
  /** State, or another short word. */
  readonly word: string
  /** Whom it is about; a menu where `word` says so. */
  readonly name: string
  readonly version: string
  readonly instance: string
  readonly text: string
}

/** Paths in one line. */
const MOST_PATHS = 3
/** Ids of instances are long and random; eight characters tell them apart. */
const ID_CHARACTERS = 8
/** Services whose last moment is remembered. */
const MOST_DOWN = 10_000

export function createLines(): Lines {
  const downSince = new Map<string, number>()
  /** The instance whose change was told with its service's. */
  let told: { service: string; instance: string; reason: string } | undefined

  const later = ({ service, state, at }: SiteEvent & { kind: 'service' }): string => {
    const since = downSince.get(service)
    if (state === 'down') {
      if (since === undefined && downSince.size < MOST_DOWN) downSince.set(service, at)
      return ''
    }
    downSince.delete(service)
    return since === undefined ? '' : `, ${duration(at - since)} later`
  }

  return {
    learn({ services }) {
      told = undefined
      downSince.clear()
      for (const { name, downSince: since } of services) if (since !== undefined) downSince.set(name, since)
    },
    read(event) {
      const { at } = event
      const nobody = { at, version: '', instance: '' }
      switch (event.kind) {
        case 'service': {
          const { service, state, reason, instance, version } = event
          told = instance === undefined ? undefined : { service, instance, reason }
          return {
            ...nobody,
            word: state,
            name: service,
            ...(instance === undefined ? {} : { instance: shortId(instance) }),
            ...(version === undefined ? {} : { version: versionOf(version) }),
            text: reason + later(event),
          }
        }
        case 'instance': {
          const { service, instance, version, state, reason } = event
          if (told?.service === service && told.instance === instance && told.reason === reason) {
            told = undefined
            return undefined
          }
          return {
            at,
            word: state,
            name: service,
            version: versionOf(version),
            instance: shortId(instance),
            text: reason,
          }
        }
        case 'forgotten':
          downSince.delete(event.service)
          return { ...nobody, word: 'forgotten', name: event.service, text: event.reason }
        case 'routes': {
          const { service, added, removed, more } = event
          const said = [listedAs('added', added), listedAs('removed', removed)].filter((text) => text !== '')
          if (more !== undefined) said.push(`${formatCount(more)} more`)
          return { ...nobody, word: 'routes', name: service, text: said.join('; ') }
        }
        case 'menu': {
          const { menu, changed, more = 0 } = event
          return { ...nobody, word: 'menu', name: menu, text: `changed: ${some(changed, more)}` }
        }
        case 'missed': {
          const text = `${formatCount(event.count)} ${event.count === 1 ? 'event is' : 'events are'} not kept any more`
          return { ...nobody, word: 'missed', name: '', text }
        }
      }
    },
  }
}

function listedAs(what: string, patterns: readonly string[]): string {
  return patterns.length === 0 ? '' : `${what} ${some(patterns, 0)}`
}

function some(paths: readonly string[], more: number): string {
  const beyond = Math.max(0, paths.length - MOST_PATHS) + more
  const listed = paths.slice(0, MOST_PATHS).join(', ')
  return beyond > 0 ? `${listed} and ${formatCount(beyond)} more` : listed
}

const shortId = (id: string): string => id.slice(0, ID_CHARACTERS)

function duration(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${Math.round(ms / 360_000) / 10} h`
}

/** `2026-11-20T14:03:27.412Z down orders 3.1.2 ord-72 connection closed` */
export function plainLine({ at, word, name, version, instance, text }: Line): string {
  const said = [name, version, instance, text].filter((part) => part !== '')
  return printable([new Date(at).toISOString(), word, ...said].join(' '))
}

/** One sentence about how things are. */
export function opening({ revision, services }: WatchHello, url: string, style: Style): string[] {
  const head = `${style.mark}watching ${style.underline(url)}   ${style.dim(`revision ${formatCount(revision)}`)}`
  const [first, ...more] = wrap(siteSentence(services), style.columns - 2)
  return [head, `  ${first}`, ...more.map((line) => `  ${line}`), '']
}

/** Widths of columns, which only grow: lines that stand there stay as they are. */
export interface Widths {
  name: number
  version: number
}

/** Widest columns of names and versions; longer ones push the rest of their line to the right. */
const MOST_NAME = 24
const MOST_VERSION = 12
/** Of the state column: `◌ recovering`. */
const STATE_CELLS = 12
/** Below these, columns are left out. */
const CELLS_FOR_INSTANCE = 80
const CELLS_FOR_VERSION = 60

const STATES: ReadonlySet<string> = new Set(SERVICE_STATES)

/** A line for a terminal; what does not fit goes on below. */
export function terminalLines(line: Line, style: Style, columns: number, widths: Widths): string[] {
  const name = printable(line.name)
  const version = printable(line.version)
  widths.name = Math.max(widths.name, Math.min(MOST_NAME, widthOf(name)))
  widths.version = Math.max(widths.version, Math.min(MOST_VERSION, widthOf(version)))
  const isState = STATES.has(line.word)
  const state = isState
    ? style.state(line.word as Parameters<Style['state']>[0], STATE_CELLS)
    : `  ${line.word}`.padEnd(STATE_CELLS)
  const time = new Date(line.at).toLocaleTimeString('en-GB')
  const cells = [style.dim(time), state, padded(name, widths.name)]
  // What is about no instance leaves no gap where one would stand.
  const isAboutOne = version !== '' || line.instance !== ''
  if (isAboutOne && columns >= CELLS_FOR_VERSION) cells.push(padded(version, widths.version))
  if (isAboutOne && columns >= CELLS_FOR_INSTANCE) cells.push(padded(printable(line.instance), ID_CHARACTERS))
  const before = `  ${cells.join('  ')}  `
  const room = Math.max(16, columns - widthOf(before))
  const [first = '', ...more] = wrap(printable(line.text), room)
  const margin = ' '.repeat(widthOf(before))
  return [`${before}${first}`, ...more.map((text) => `${margin}${text}`)].map((text) =>
    style.plain(text.trimEnd()),
  )
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}
