/**
 * A site for tests of live pages: menus, links and fragments that are whatever the test says, and pages that keep what
 * they were sent.
 *
 * @module
 */
import type { LinkView, MenuView, MenuViewItem } from '@hydra-gateway/protocol'
import type { Caller } from '../../identity/port.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import { FakeExchange } from '../../proxy/testing/fake-exchange.ts'
import { createFragmentMarks } from '../fragment-marks.ts'
import { createLiveHub, type LiveHubDeps } from '../hub.ts'
import type { LiveSettings } from '../port.ts'

export interface Event {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever a test expects
  readonly data: any
}

/** Reads what a stream was sent; blocks without an event are left out. */
export function eventsOf(body: string): Event[] {
  const events: Event[] = []
  for (const block of body.split('\n\n')) {
    const field = (name: string) =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}:`))
        ?.slice(name.length + 1)
        .trim()
    const data = field('data')
    const event = field('event')
    if (event !== undefined)
      events.push({ id: field('id'), event, data: data ? JSON.parse(data) : undefined })
  }
  return events
}

export function item(path: string, state: MenuViewItem['state'] = 'available'): MenuViewItem {
  return { path, label: path.slice(1), state }
}

export function callerOf(name: string, expiresAt = Number.POSITIVE_INFINITY): Caller {
  return { sid: name, expiresAt, identities: [{ username: name }] } as unknown as Caller
}

const DEFAULTS: LiveSettings = {
  maxStreams: 100,
  maxStreamsPerClient: 100,
  maxWishes: 10,
  pushEveryMs: 100,
  heartbeatMs: 25_000,
  maxBehindMs: 30_000,
  replaceWithinMs: 3000,
}

/** A hub with a site of one's own behind it. Menus are those of a visitor's name, `''` for who is nobody. */
export function liveSite(settings: Partial<LiveSettings> = {}) {
  const clock = createManualClock()
  const listeners = new Set<() => void>()
  const menus: Record<string, Record<string, readonly MenuViewItem[]>> = { '': {} }
  const links: Record<string, LinkView> = {}
  const running = new Set<string>()
  const refused: string[] = []
  const warned: string[] = []
  const looks = { menu: 0, link: 0 }
  const nameOf = (caller: Caller | undefined): string => caller?.identities[0]?.username ?? ''
  const site: LiveHubDeps['menus'] = {
    audienceOf: nameOf,
    view(name, caller): MenuView | undefined {
      looks.menu++
      const items = (menus[nameOf(caller)] ?? menus['']!)[name]
      return items && { name, items: [...items] }
    },
    link(path, host, caller) {
      looks.link++
      const [plain = ''] = path.split(/[?#]/)
      return links[`${nameOf(caller)} ${plain}`] ?? links[`//${host}${plain}`] ?? links[plain]
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const marks = createFragmentMarks({ privateKeys: ['key'] })
  const hub = createLiveHub({
    menus: site,
    fragmentState: (service, ref) => running.has(`${service}#${ref}`),
    marks,
    settings: { ...DEFAULTS, ...settings },
    // As of the addresses in tests.
    networkOf: (address) => address.split('::')[0]!,
    clock,
    random: () => 0.5,
    log: { warn: (_: object, text: string) => void warned.push(text), error() {}, debug() {} } as never,
    metrics: { refused: (_, reason) => void refused.push(reason) },
  })
  return {
    ...{ hub, clock, menus, links, running, refused, warned, marks, looks, listeners },
    changed: () => {
      for (const listener of listeners) listener()
    },
    /** Opens a page; `of`: who is signed in there. */
    page(
      query: string,
      { of, lines = [], client }: { of?: Caller; lines?: readonly string[]; client?: string } = {},
    ) {
      const exchange = new FakeExchange(`GET /_hydra/live?${query} HTTP/1.1`, ...lines)
      if (client !== undefined) Object.assign(exchange, { client })
      exchange.caller = of
      hub.open(exchange)
      return {
        exchange,
        get events() {
          return eventsOf(exchange.body)
        },
        get last() {
          return eventsOf(exchange.body).at(-1)
        },
      }
    },
  }
}
