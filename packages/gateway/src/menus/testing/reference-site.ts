/**
 * A site as slow and simple as can be, to compare the real one with: it remembers what was said and by whom, and puts
 * everything together anew whenever somebody asks.
 *
 * Paths are literal. What versions of a service ask for at one path never contradicts: `ACCESS` is a ladder, and the
 * highest rung holds.
 *
 * @module
 */
import type { LinkState, LinkView, MenuItem, MenuViewItem } from '@hydra-gateway/protocol'

/** Whom a path is for: each asks for all that those before it do. */
export const ACCESS = [
  {},
  { auth: 'required' },
  { roles: ['A', 'B'] },
  { roles: ['A'] },
  { roles: ['A'], providers: ['corp'] },
] as const

export interface Said {
  readonly version: number
  readonly title?: string
  /** Paths, each with its rung of the ladder. */
  readonly routes: ReadonlyMap<string, number>
  readonly menuItems: Readonly<Record<string, readonly MenuItem[]>>
}

/** What somebody is signed in as; roles by provider, in the order they signed in. */
export type Who = readonly { readonly provider: string; readonly roles: readonly string[] }[] | undefined

interface Process {
  readonly id: string
  said: Said
  serves: boolean
  rests: boolean
  drains: boolean
}

interface Known {
  readonly name: string
  /** In the order they first came. */
  readonly joined: Process[]
  /** In the order they registered last. */
  said: Process[]
  /** What nobody says any more, and is remembered. */
  left: Said[]
  /** Who spoke for it last. */
  speaker: Said
}

export interface ReferenceSettings {
  readonly maxItems: number
  /** What roles of the gateway are called in a service. */
  readonly mappings: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export class ReferenceSite {
  /** In the order in which they claimed their routes. */
  private services: Known[] = []
  private readonly settings: ReferenceSettings

  constructor(settings: ReferenceSettings) {
    this.settings = settings
  }

  register(service: string, id: string, said: Said): void {
    let known = this.services.find(({ name }) => name === service)
    if (!known) {
      known = { name: service, joined: [], said: [], left: [], speaker: said }
      this.services.push(known)
    }
    const before = known.joined.find((one) => one.id === id)
    known.left = known.left.filter((left) => {
      if (isSameDeclaration(left, said)) return false
      return before !== undefined || left.version > said.version
    })
    const now = before ?? { id, said, serves: true, rests: false, drains: false }
    Object.assign(now, { said, serves: true, rests: false })
    if (!before) known.joined.push(now)
    known.said = [...known.said.filter((one) => one !== now), now]
    speak(known)
  }
  suspend(id: string): void {
    const found = this.find(id)
    // Nobody waits for who was to leave.
    if (found?.process.drains) this.leave(found.known, found.process, false)
    else if (found) found.process.serves = false
  }
  beat(id: string): void {
    const found = this.find(id)
    if (found) found.process.serves = true
  }
  /** A process that registers again drains on. */
  drain(id: string, drains: boolean): void {
    const found = this.find(id)
    if (!found) return
    found.process.drains = drains
    speak(found.known)
  }
  rest(id: string, rests: boolean): void {
    const found = this.find(id)
    if (found) found.process.rests = rests
  }
  /** Whoever was suspended does not come back. */
  lapse(): void {
    for (const known of [...this.services])
      for (const process of [...known.joined]) if (!process.serves) this.leave(known, process, true)
  }
  deregister(id: string, forget: boolean): void {
    const found = this.find(id)
    if (!found) return
    this.leave(found.known, found.process, false)
    if (forget && found.known.joined.length === 0) this.forget(found.known.name)
  }
  forget(service: string): void {
    this.services = this.services.filter(({ name }) => name !== service)
  }

  /** Items of a menu as somebody sees them; undefined when there is none of that name. */
  menu(name: string, who: Who): MenuViewItem[] | undefined {
    const entries = this.entries(name)
    if (!entries) return undefined
    const shown = entries.filter((entry) => {
      const { item } = entry
      if (this.mayHave(entry, who)) return true
      return who === undefined && item.signedOut === 'show'
    })
    return shown.map((entry): MenuViewItem => {
      const { path, item, parent } = entry
      const state = this.mayHave(entry, who) ? this.stateOf(bare(path)) : 'available'
      const owner = this.ownerOf(bare(path))
      const reason = state === 'available' ? undefined : reasonFor(owner)
      return {
        path,
        label: item.label,
        ...(item.icon !== undefined && { icon: item.icon }),
        ...(item.group !== undefined && { group: item.group }),
        ...(parent !== undefined && shown.some((other) => other.path === parent) && { parent }),
        state,
        ...(reason !== undefined && { reason }),
      }
    })
  }
  link(path: string, who: Who): LinkView | undefined {
    const owner = this.ownerOf(bare(path))
    if (!owner) return undefined
    const may = this.mayGo(bare(path), who)
    if (!may)
      return who === undefined
        ? { state: 'available' }
        : { state: 'closed', reason: 'This is not open to you' }
    const state = this.stateOf(bare(path))
    const reason = state === 'available' ? undefined : reasonFor(owner)
    return { state, ...(reason !== undefined && { reason }) }
  }
  /** `fault service menu path`, sorted; for menus with room for everything. */
  faults(): string[] {
    const found = new Set<string>()
    for (const name of this.menuNames()) {
      for (const { service, item, path, isKept } of this.said(name)) {
        const say = (fault: string) => found.add(`${fault} ${service} ${name} ${path ?? item.endpoint}`)
        if (path === undefined) say('path')
        else if (!isKept) say('duplicate')
      }
      for (const { service, path, item, parent } of this.entries(name, Number.POSITIVE_INFINITY) ?? []) {
        const owner = this.ownerOf(bare(path))
        if (!owner) found.add(`unknown-route ${service} ${name} ${path}`)
        else if (owner.name !== service) found.add(`other-service ${service} ${name} ${path}`)
        if (item.parent !== undefined && parent === undefined)
          found.add(`unknown-parent ${service} ${name} ${path}`)
      }
    }
    return [...found].sort()
  }

  // ---- who is there -----------------------------------------------------------------------------------

  private find(id: string): { known: Known; process: Process } | undefined {
    for (const known of this.services)
      for (const process of known.joined) if (process.id === id) return { known, process }
    return undefined
  }
  private leave(known: Known, process: Process, remember: boolean): void {
    known.joined.splice(known.joined.indexOf(process), 1)
    known.said = known.said.filter((one) => one !== process)
    const isSaid = known.joined.some(({ said }) => isSameDeclaration(said, process.said))
    if ((remember || known.joined.length === 0) && !isSaid) {
      known.left = [...known.left.filter((left) => !isSameDeclaration(left, process.said)), process.said]
    }
    speak(known)
  }
  private declarations({ joined, left }: Known): Said[] {
    return [...joined.map(({ said }) => said), ...left]
  }
  private ownerOf(path: string): Known | undefined {
    return this.services.find((known) => this.declarations(known).some(({ routes }) => routes.has(path)))
  }
  private stateOf(path: string): LinkState {
    const processes = this.ownerOf(path)?.joined ?? []
    return processes.some(
      ({ said, serves, rests, drains }) => serves && !rests && !drains && said.routes.has(path),
    )
      ? 'available'
      : 'down'
  }

  // ---- for whom ---------------------------------------------------------------------------------------

  private mayGo(path: string, who: Who): boolean {
    const owner = this.ownerOf(path)
    if (!owner) return true
    const rungs = this.declarations(owner).map(({ routes }) => routes.get(path) ?? 0)
    return this.meets(ACCESS[Math.max(...rungs)]!, owner.name, who)
  }
  private mayHave({ path, item, service }: ReferenceEntry, who: Who): boolean {
    const own = item.roles ? this.meets({ roles: item.roles }, service, who) : true
    return own && this.mayGo(bare(path), who)
  }
  private meets(
    access: {
      readonly auth?: string
      readonly roles?: readonly string[]
      readonly providers?: readonly string[]
    },
    service: string,
    who: Who,
  ): boolean {
    if (Object.keys(access).length === 0) return true
    const as = who?.find(({ provider }) => !access.providers || access.providers.includes(provider))
    if (!as) return false
    if (!access.roles) return true
    const called = as.roles.map((role) => this.settings.mappings[service]?.[role] ?? role)
    return access.roles.some((role) => called.some((one) => one.toUpperCase() === role.toUpperCase()))
  }

  // ---- what stands where ------------------------------------------------------------------------------

  menuNames(): string[] {
    return [...new Set(this.services.flatMap(({ speaker }) => Object.keys(speaker.menuItems)))]
  }
  /** Every item anybody declares, and whether it is the one of its address that stays. */
  private said(
    name: string,
  ): { service: string; item: MenuItem; path: string | undefined; isKept: boolean }[] {
    const all = this.services.flatMap(({ name: service, speaker }) =>
      (speaker.menuItems[name] ?? []).map((item) => ({ service, item, path: addressOf(item.endpoint) })),
    )
    return all.map((one) => {
      const rivals = all.filter(({ path }) => path !== undefined && path === one.path)
      const owner = one.path === undefined ? undefined : this.ownerOf(bare(one.path))
      const winner = rivals.find(({ service }) => service === owner?.name) ?? rivals[0]
      return { ...one, isKept: winner === one }
    })
  }
  private entries(name: string, most = this.settings.maxItems): ReferenceEntry[] | undefined {
    if (!this.menuNames().includes(name)) return undefined
    const kept: ReferenceEntry[] = this.said(name)
      .filter(({ isKept, path }) => isKept && path !== undefined)
      .map(({ service, item, path }) => ({ service, item, path: path!, parent: undefined }))
    const wanted = (one: ReferenceEntry): ReferenceEntry | undefined => {
      const { parent } = one.item
      return parent === undefined ? undefined : kept.find(({ path }) => path === addressOf(parent))
    }
    const isInRing = (one: ReferenceEntry): boolean => {
      let at = wanted(one)
      for (let steps = 0; at && steps <= kept.length; steps++) {
        if (at === one) return true
        at = wanted(at)
      }
      return false
    }
    const placed = kept.map((one) => ({ ...one, parent: isInRing(one) ? undefined : wanted(one)?.path }))
    const below = (parent: string | undefined): ReferenceEntry[] => {
      const level = placed.filter((one) => one.parent === parent).sort(byPlace)
      const first = (one: ReferenceEntry) =>
        one.item.group === undefined ? one : level.find(({ item }) => item.group === one.item.group)!
      return level
        .map((one, at) => ({ one, at, leader: level.indexOf(first(one)) }))
        .sort((a, b) => a.leader - b.leader || a.at - b.at)
        .flatMap(({ one }) => [one, ...below(one.path)])
    }
    return below(undefined).slice(0, most)
  }
}

interface ReferenceEntry {
  readonly service: string
  readonly item: MenuItem
  readonly path: string
  readonly parent: string | undefined
}

function reasonFor(owner: Known | undefined): string {
  if (!owner) return 'There is nothing at this address yet'
  const { title = owner.name.charAt(0).toUpperCase() + owner.name.slice(1) } = owner.speaker
  return `${title} is away for a moment`
}

/** Of those that stay, if any do. */
function speak(known: Known): void {
  const staying = known.said.filter(({ drains }) => !drains)
  const speakers = staying.length > 0 ? staying : known.said
  const newest = Math.max(...speakers.map(({ said }) => said.version))
  const last = speakers.findLast(({ said }) => said.version === newest)
  if (last) known.speaker = last.said
}

function isSameDeclaration(a: Said, b: Said): boolean {
  return JSON.stringify([...a.routes]) === JSON.stringify([...b.routes])
}

const bare = (path: string) => path.split('?')[0]!

/** As far as the tests go: a path of letters, with or without a query. */
function addressOf(endpoint: string): string | undefined {
  return /^\/[a-z0-9]+(\?[a-z0-9=]*)?$/.test(endpoint) ? endpoint : undefined
}

function byPlace(a: ReferenceEntry, b: ReferenceEntry): number {
  const keys = ({ item, path }: ReferenceEntry) => [item.order ?? Number.MAX_VALUE, item.label, path] as const
  const [x, y] = [keys(a), keys(b)]
  if (x[0] !== y[0]) return x[0] - y[0]
  if (x[1] !== y[1]) return x[1] < y[1] ? -1 : 1
  return x[2] < y[2] ? -1 : 1
}
