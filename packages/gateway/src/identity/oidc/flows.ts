/**
 * Sign-ins that are under way at a provider: what was sent there, sealed in a cookie of its own each, so that two tabs
 * and two providers don't race, and any node can finish what another one began.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../observe/clock.ts'
import { cookieValues } from '../../proxy/cookies.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { cookieLine, HOST_PREFIX } from '../cookie-line.ts'
import type { Sealer } from '../sealing.ts'
import type { UsedUp } from './used-up.ts'

const flow = z.object({
  /** What is sealed here: nothing else that was sealed passes for it. */
  use: z.literal('oidc'),
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Where the visitor goes afterwards, on this site. */
  ref: z.string(),
  /** Session the identity is added to. */
  link: z.string().optional(),
  /** Epoch ms. */
  at: z.number(),
})
export type Flow = z.output<typeof flow>

/** Why a callback belongs to no flow: a constant word. */
export type FlowFault = 'state-missing' | 'state-unknown' | 'state-expired' | 'state-used'

export interface Flows {
  /** `Set-Cookie` values that keep a flow, and take what is too old or too much from the browser. */
  keep(exchange: Exchange, flow: Omit<Flow, 'use' | 'at'>): Promise<readonly string[]>
  /** The flow a callback ends, once; `cookies` take it from the browser either way. */
  take(
    exchange: Exchange,
    provider: string,
    states: readonly string[],
  ): Promise<{ readonly flow: Flow | FlowFault; readonly cookies: readonly string[] }>
}

/** Of the start and the callback, and nothing else. */
const PATH = '/_hydra/login'
/** How long somebody may take at the provider. */
export const FLOW_MS = 10 * 60_000
/** In one browser at once. */
const MAX_FLOWS = 5
/** A cookie larger than this is none of ours. */
const MAX_COOKIE = 8 * 1024
/** Nodes don't agree about the time to the second. */
const SKEW_MS = 60_000

export function createFlows({
  sealer,
  used,
  isSecure,
  isHost,
  clock,
}: {
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  readonly used: UsedUp
  /** The site is reached by TLS. */
  readonly isSecure: boolean
  /** Cookies nobody but this host can set: they need the path `/`. */
  readonly isHost: boolean
  readonly clock: Pick<Clock, 'now'>
}): Flows {
  const prefix = `${isHost ? HOST_PREFIX : ''}HYDRA-OIDC-`
  const name = new RegExp(`^${prefix}([\\w-]{8})$`)
  const lineOf = (key: string, value: string, maxAgeSeconds: number): string =>
    cookieLine(`${prefix}${key}`, value, { path: isHost ? '/' : PATH, maxAgeSeconds, isSecure })
  const clear = (key: string): string => lineOf(key, '', 0)

  /** Keys of the flows a browser says it has: as they came, some perhaps twice. */
  function keysOf(exchange: Exchange): readonly string[] {
    const keys = new Set<string>()
    for (const line of exchange.headers.all('cookie')) {
      for (const pair of line.split(';')) {
        const key = name.exec(pair.slice(0, Math.max(0, pair.indexOf('='))).trim())?.[1]
        if (key !== undefined) keys.add(key)
      }
    }
    return [...keys]
  }

  async function read(text: string): Promise<Flow | undefined> {
    if (text.length > MAX_COOKIE) return undefined
    const { data } = flow.safeParse(await sealer.open(text))
    return data
  }

  function isOver({ at }: Flow): boolean {
    const age = clock.now() - at
    return age > FLOW_MS || age < -SKEW_MS
  }

  return {
    async keep(exchange, fresh) {
      const had: { key: string; at: number }[] = []
      const cookies: string[] = []
      // One that has many more of them than we ever gave loses all: reading them would cost too much.
      const keys = keysOf(exchange)
      for (const key of keys) {
        const [value = ''] = keys.length > 2 * MAX_FLOWS ? [] : valuesOf(exchange, `${prefix}${key}`)
        const one = value === '' ? undefined : await read(value)
        if (!one || isOver(one)) cookies.push(clear(key))
        else had.push({ key, at: one.at })
      }
      had.sort((a, b) => b.at - a.at)
      for (const { key } of had.slice(MAX_FLOWS - 1)) cookies.push(clear(key))
      const sealed = await sealer.seal({ use: 'oidc', ...fresh, at: clock.now() } satisfies Flow)
      const key = fresh.state.slice(0, 8)
      return [...cookies, lineOf(key, sealed, FLOW_MS / 1000)]
    },

    async take(exchange, provider, states) {
      const [state = ''] = states
      const key = state.slice(0, 8)
      if (states.length !== 1 || !name.test(`${prefix}${key}`)) return { flow: 'state-missing', cookies: [] }
      let found: Flow | undefined
      // Another host of the domain may have set one of the same name beside ours.
      for (const value of valuesOf(exchange, `${prefix}${key}`).slice(0, 2)) {
        const one = await read(value)
        if (one && one.provider === provider && isSame(one.state, state)) found = one
      }
      if (!found) return { flow: 'state-unknown', cookies: [] }
      const cookies = [clear(key)]
      if (isOver(found)) return { flow: 'state-expired', cookies }
      if (!used.use(found.state)) return { flow: 'state-used', cookies }
      return { flow: found, cookies }
    },
  }
}

function valuesOf(exchange: Exchange, name: string): readonly string[] {
  return cookieValues(exchange.headers.all('cookie'), name)
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
