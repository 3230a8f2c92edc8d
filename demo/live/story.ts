/**
 * The shop while somebody watches: its rows, its events, and what a key does to it. Knows no terminal.
 *
 * @module
 */
import { type Load, startLoad } from '../load.ts'
import { AS_BROWSER } from '../shop/ask.ts'
import type { ServiceFacts } from '../shop/gateway.ts'
import { openShop, SERVICES, type ServiceName, type Shop } from '../shop/shop.ts'
import { createLogReader, type DemoEvent } from './event.ts'
import { createFigures, type Figures } from './figures.ts'
import { createMenuNews } from './menu-news.ts'
import type { Row } from './screen.ts'

export interface Story {
  readonly shop: Shop
  readonly totals: Figures['totals']
  readonly isLoaded: boolean
  /** Asks the admin API again. */
  refresh(): Promise<void>
  rows(): Row[]
  kill(service: ServiceName): void
  revive(service: ServiceName): Promise<void>
  add(service: ServiceName): void
  setLoad(on: boolean): Promise<void>
  say(event: Omit<DemoEvent, 'at'>): void
  stop(): Promise<void>
}

const LOAD_PER_SECOND = 40
const LOAD_PATHS = [
  '/',
  '/catalog',
  '/catalog/watering-can',
  '/orders',
  '/catalog/reed-basket',
  '/catalog/marsh-lamp',
]

/** Opens the shop; `onEvent` hears everything worth a line. */
export async function openStory({
  port,
  onEvent,
}: {
  port: number
  onEvent(event: DemoEvent): void
}): Promise<Story> {
  const reader = createLogReader()
  const figures = createFigures()
  let facts: readonly ServiceFacts[] = []
  let load: Load | undefined
  let isStopping = false
  const say = (event: Omit<DemoEvent, 'at'>): void => onEvent({ at: Date.now(), ...event })

  const shop = await openShop({
    port,
    onLog(line) {
      if (line.msg === 'exchange') figures.exchange(line, performance.now())
      const event = reader.read(line)
      if (event && !isStopping) onEvent(event)
    },
    onLost: ({ service, child }, how) =>
      say({ service, text: `process ${child.pid} ended with ${how}, which nobody asked for` }),
    onTrouble: (service, line) => say({ service, text: line }),
  })

  const news = createMenuNews({
    streams: shop.gateway.streams,
    labels: async () =>
      new Map(
        (await shop.gateway.services())
          .flatMap(({ menuItems }) => Object.values(menuItems).flat())
          .map(({ endpoint, label }) => [endpoint, label]),
      ),
  })
  shop.gateway.onEvent((event) => {
    news
      .read(event)
      .then((said) => (said && !isStopping ? say(said) : undefined))
      // A gateway that ends has no figures any more.
      .catch(() => {})
  })

  function rowOf(name: ServiceName): Row {
    const known = facts.find((one) => one.name === name)
    const serving = known?.instances.filter(({ state }) => state === 'available').length ?? 0
    const now = performance.now()
    // The gateway expects one whose line broke back for some seconds; here it is known that it is dead.
    const isDead = serving === 0 && shop.alive(name).length === 0
    return {
      state: known ? (isDead ? 'down' : known.state) : 'unknown',
      service: name,
      version: known?.versions.join(', ') || lastVersions.get(name) || '',
      serving,
      started: shop.instances(name).length,
      perSecond: figures.perSecond(name, now),
      medianMs: figures.medianMs(name, now),
      menu: Object.values(known?.menuItems ?? {}).flatMap((items) => items.map(({ label }) => label)),
    }
  }
  /** A service without instances has no version, but everybody remembers it. */
  const lastVersions = new Map<string, string>()

  return {
    shop,
    say,
    get totals() {
      return figures.totals
    },
    get isLoaded() {
      return load !== undefined
    },
    async refresh() {
      facts = await shop.gateway.services()
      figures.counted(facts, performance.now())
      for (const { name, versions } of facts)
        if (versions.length > 0) lastVersions.set(name, versions.join(', '))
    },
    rows: () => SERVICES.map(({ name }) => rowOf(name)),
    kill(service) {
      const at = Date.now()
      const victim = shop.kill(service)
      if (victim) news.killed(service, at)
      if (victim) say({ service, text: `kill -9 ${victim.child.pid}${named(victim.id())}` })
      else say({ service, text: 'nothing is left to kill; r revives it' })
    },
    async revive(service) {
      const started = shop.revive(service)
      if (started.length > 0) {
        say({ service, text: `starting ${started.map(({ child }) => `process ${child.pid}`).join(' and ')}` })
        return
      }
      say({ service, text: 'restarting: each leaves once a new one serves' })
      await shop.restart(service)
    },
    add(service) {
      const { child } = shop.add(service)
      say({ service, text: `starting process ${child.pid}, one more` })
    },
    async setLoad(on) {
      if (on === (load !== undefined)) return
      const stopping = load?.stop()
      load = on
        ? startLoad({
            url: shop.gateway.url,
            perSecond: LOAD_PER_SECOND,
            next: (index) => ({ path: LOAD_PATHS[index % LOAD_PATHS.length]!, headers: AS_BROWSER }),
          })
        : undefined
      say({ text: on ? `load on, ${LOAD_PER_SECOND} requests a second` : 'load off' })
      await stopping
    },
    async stop() {
      isStopping = true
      await load?.stop()
      await shop.stop()
    },
  }
}

const named = (id: string | undefined): string => (id ? `, ${id}` : '')
