/**
 * Instances in Redis: each call is one script, so that nobody comes in between (`instances.lua`).
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Log } from '../../observe/log.ts'
import type {
  GoneInstance,
  InstanceRecord,
  InstanceStore,
  ListedInstance,
  Look,
  RememberedService,
  StoredDrain,
  Version,
} from '../port.ts'
import type { RedisLine } from './port.ts'
import { readScript } from './script.ts'
import { createSealer } from './seal.ts'

export interface RedisInstancesDeps {
  readonly line: RedisLine
  /** The first seals, all are believed. */
  readonly privateKeys: readonly string[]
  /** How long a service without instances is remembered, ms. */
  readonly rememberMs: number
  readonly log: Log
}

export interface RedisInstances extends InstanceStore {
  /** Records that were left out because none of our keys sealed them, since the start. */
  refused(): number
}

const SCRIPT = readScript('instances', './clock.lua', './instances.lua')

const RESET = readScript('instances-reset', './instances-reset.lua')

/** Keys, by their type, in the order the script takes them. */
const KEYS = Object.entries({
  clock: 'hash',
  meta: 'hash',
  overallRouteHashKey: 'string',
  records: 'hash',
  holders: 'hash',
  leases: 'zset',
  members: 'zset',
  ranks: 'hash',
  drains: 'hash',
  remembered: 'hash',
  rememberedAt: 'zset',
  log: 'list',
})

/** Leases renewed by one script: it holds up Redis for about a millisecond. */
const MOST_RENEWED = 1000
/** Records that are read in one go: a whole look of thousands holds up nobody here either. */
const MOST_READ = 200
/** How long those that are gone are told to whoever reads everything, ms. */
const TOLD_GONE_MS = 60_000
const NEVER: Version = { revision: -1, hash: '' }

type Flat = readonly string[]
/** What the script says: see `operations.look`. */
type Told =
  | readonly [number, string, 1, number, Flat, Flat, Flat, Flat, Flat, Flat]
  | readonly [
      number,
      string,
      0,
      Flat,
      readonly (readonly [string, string | null, string | null, string | null])[],
    ]

export function createRedisInstances({
  line,
  privateKeys,
  rememberMs,
  log,
}: RedisInstancesDeps): RedisInstances {
  const keys = KEYS.map(([name]) => `${line.prefix}{reg}:${name}`)
  const channel = `${line.prefix}{reg}:evt`
  const records = createSealer(privateKeys, 'record of an instance')
  const drains = createSealer(privateKeys, 'drain of an instance')
  const endings = new Set<() => void>()
  let refused = 0

  const run = async (operation: string, ...args: readonly string[]): Promise<unknown> => {
    try {
      return await line.run(SCRIPT, keys, [operation, channel, randomBytes(20).toString('hex'), ...args])
    } catch (error) {
      if ((error as Error).message.includes('WRONGTYPE')) await reset()
      throw error
    }
  }
  /** Somebody else put something else in the place of a key. */
  const reset = async (): Promise<void> => {
    const types = KEYS.map(([, type]) => type)
    if ((await line.run(RESET, keys, types)) !== 1) return
    log.error(
      { store: line.place },
      'store: what lay there was not written by a gateway and made all of it unreadable; it was emptied, and each node writes again what it hears',
    )
  }

  const refuse = (id: string): undefined => {
    if (refused++ === 0)
      log.warn(
        { instance: id, store: line.place },
        'store: a record that none of our private keys sealed was left out; others are counted only',
      )
    return undefined
  }
  const readRecord = (id: string, sealed: string | null): InstanceRecord | undefined => {
    const text = sealed === null ? undefined : records.open(sealed)
    const record = text === undefined ? undefined : (JSON.parse(text) as InstanceRecord)
    return record?.id === id ? record : refuse(id)
  }
  const readDrain = (id: string, sealed: string | null | undefined): StoredDrain | undefined => {
    if (!sealed) return undefined
    const text = drains.open(sealed)
    const drain = text === undefined ? undefined : (JSON.parse(text) as StoredDrain & { readonly id: string })
    if (drain?.id !== id) return refuse(id)
    return { reason: drain.reason, activeSince: drain.activeSince }
  }
  /** A change that can't be read is none of ours. */
  const read = (text: string): Change | undefined => readChange(text) ?? refuse('')
  const listed = (
    id: string,
    sealed: string | null,
    rankOf: (service: string) => string | null | undefined,
    sealedDrain: string | null | undefined,
  ): ListedInstance[] => {
    const record = readRecord(id, sealed)
    if (!record) return []
    const drain = readDrain(id, sealedDrain)
    return [{ ...record, rank: rankNumber(rankOf(record.service)), ...(drain ? { drain } : {}) }]
  }

  async function whole(told: Extract<Told, readonly [number, string, 1, ...unknown[]]>): Promise<Look> {
    const [revision, hash, , now, goneWords, flatRecords, flatRanks, flatDrains, flatRemembered, flatTimes] =
      told
    const ranks = pairs(flatRanks)
    const drained = pairs(flatDrains)
    const wentAt = pairs(flatTimes)
    const rankOf = (service: string): string | undefined => ranks.get(service)
    const instances: ListedInstance[] = []
    let count = 0
    for (const [id, sealed] of pairs(flatRecords)) {
      if (++count % MOST_READ === 0) await nextTurn()
      instances.push(...listed(id, sealed, rankOf, drained.get(id)))
    }
    const remembered: RememberedService[] = []
    for (const [service, sealed] of pairs(flatRemembered)) {
      const text = records.open(sealed)
      const record = text === undefined ? undefined : (JSON.parse(text) as InstanceRecord)
      if (record?.service !== service) {
        refuse(service)
        continue
      }
      const rank = rankNumber(rankOf(service))
      const goneForMs = now - Number(wentAt.get(service) ?? now)
      remembered.push({ service, rank, declared: record.declared, goneForMs })
    }
    const gone = goneWords
      .map(read)
      .flatMap((change) => (change?.kind === 'gone' && now - change.at <= TOLD_GONE_MS ? [change.gone] : []))
    return { version: { revision, hash }, isWhole: true, instances, gone, forgotten: [], remembered }
  }

  return {
    refused: () => refused,
    async put(record, leaseMs) {
      const sealed = records.seal(recordText(record))
      await run('put', record.id, record.service, holderOf(record), sealed, String(leaseMs))
    },
    async amend(record) {
      return (await run('amend', record.id, holderOf(record), records.seal(recordText(record)))) === 1
    },
    async renew(leases, leaseMs) {
      const batches = Array.from({ length: Math.ceil(leases.length / MOST_RENEWED) }, (_, i) =>
        leases.slice(i * MOST_RENEWED, (i + 1) * MOST_RENEWED),
      )
      const lost = await Promise.all(
        batches.map(async (batch) => {
          const asked = batch.flatMap(({ id, claim }) => [id, JSON.stringify(claim)])
          const places = (await run('renew', String(leaseMs), ...asked)) as number[]
          return places.map((place) => batch[place - 1]!.id)
        }),
      )
      return lost.flat()
    },
    async release({ id, claim }, reason) {
      await run('release', id, JSON.stringify(claim), reason)
    },
    async drain(id, drain) {
      const sealed = drain ? drains.seal(JSON.stringify({ id, ...drain })) : ''
      return (await run('drain', id, sealed)) === 1
    },
    async forget(service) {
      await run('forget', service)
    },
    async rerank(service, from) {
      await run('rerank', service, String(from))
    },
    async look(seen = NEVER) {
      const told = (await run('look', String(rememberMs), String(seen.revision), seen.hash)) as Told | null
      if (told === null) return undefined
      if (told[2] === 1) return whole(told as never)
      const [revision, hash, , words, changed] = told
      const changes = words.map(read)
      const instances: ListedInstance[] = []
      let count = 0
      for (const [id, sealed, rank, drain] of changed) {
        if (++count % MOST_READ === 0) await nextTurn()
        instances.push(...listed(id, sealed, () => rank, drain))
      }
      return {
        version: { revision, hash },
        isWhole: false,
        instances,
        gone: changes.flatMap((change) => (change?.kind === 'gone' ? [change.gone] : [])),
        forgotten: changes.flatMap((change) => (change?.kind === 'forgotten' ? [change.service] : [])),
        remembered: [],
      }
    },
    watch(onHint) {
      const stopHearing = line.subscribe(channel, () => onHint())
      // What was said while it was away, nobody heard.
      const stopListening = line.reach.onChange((isReachable) => {
        if (isReachable) onHint()
      })
      const stop = (): void => {
        endings.delete(stop)
        stopHearing()
        stopListening()
      }
      endings.add(stop)
      return stop
    },
    async close() {
      for (const stop of [...endings]) stop()
    },
  }
}

/** Claims may be any text; as JSON they have no line feed. */
function holderOf({ claim, service }: InstanceRecord): string {
  return `${JSON.stringify(claim)}\n${service}`
}

function recordText({ id, service, node, claim, state, declared }: InstanceRecord): string {
  return JSON.stringify({ id, service, node, claim, state, declared })
}

type Change =
  | { readonly kind: 'gone'; readonly gone: GoneInstance; readonly at: number }
  | { readonly kind: 'forgotten'; readonly service: string }

const at = z.number()
const text = z.string()
const change = z.union([
  z.tuple([z.literal('forgotten'), text]),
  z.tuple([z.literal('gone'), text, text, text, z.enum(['left', 'lapsed']), text, at]),
])

/** The log is not sealed: who may write to Redis may write anything there. */
function readChange(word: string): Change | undefined {
  try {
    const said = change.parse(JSON.parse(word))
    if (said[0] === 'forgotten') return { kind: 'forgotten', service: said[1] }
    const [kind, id, service, claim, how, reason, at] = said
    return { kind, gone: { id, service, claim: text.parse(JSON.parse(claim)), how, reason }, at }
  } catch {
    return undefined
  }
}

/** Order of claims; what is no number is that of a service which came first, on every node the same. */
function rankNumber(rank: string | null | undefined): number {
  const number = Number(rank ?? 0)
  return Number.isSafeInteger(number) ? number : 0
}

function pairs(flat: Flat): Map<string, string> {
  const map = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!)
  return map
}
