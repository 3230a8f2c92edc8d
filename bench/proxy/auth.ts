/**
 * What a login costs: the same requests at two gateways of one configuration, at one of them with the cookies of
 * somebody who signed in there.
 *
 * The service behind them is told who it is, as registered ones are.
 *
 * @module
 */
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { Seen } from '../support/clients/job.ts'
import { compare } from '../support/comparison.ts'
import type { Outcome } from '../support/part.ts'
import {
  attempt,
  checkLog,
  type Measured,
  measuredOf,
  openLane,
  type RoundsOptions,
  takeTurns,
} from '../support/rounds.ts'
import type { LoadJob } from './loads.ts'
import { type ProxyPeer, startProxy } from './peers.ts'
import { openProxyStage } from './stage.ts'

export const AUTH = '1 KB GET, connections kept, signed in and not'

const SIGNED_IN = 'hydra, signed in'
const NOBODY = 'hydra, nobody'
/** As many bytes of cookies as somebody who signed in has: what the bytes alone cost. */
const LONG = 'hydra, nobody, long cookie'
const CONNECTIONS = 64
const USER = { username: 'mira', password: 'measured-once' }
export const AUTH_CONFIG: ConfigInput = {
  identity: {
    users: [{ id: 7, ...USER, roles: ['USER', 'EDITOR'], metadata: { city: 'Berlin' } }],
    allowPlainPasswords: true,
  },
}

export async function measureAuth(options: RoundsOptions): Promise<Measured[]> {
  const stage = await openProxyStage({ cores: options.cores, tls: false })
  try {
    const start: ProxyPeer['start'] = (place) => startProxy(place, 'info', AUTH_CONFIG)
    const cookies = new Map<string, string>()
    const lanes = []
    for (const name of [SIGNED_IN, NOBODY, LONG]) {
      const lane = await openLane(stage, { name, hasLog: true, start }, options.cores)
      await attempt(lane, async () => {
        if (name === NOBODY) return
        const own = await signIn(lane.running!.port)
        cookies.set(name, name === SIGNED_IN ? own : `other=${'x'.repeat(own.length - 6)}`)
      })
      lanes.push(lane)
    }
    await takeTurns(
      lanes,
      ({ peer: { name }, running }, { ms, requests }) =>
        stage.send<Seen>({
          load: 'get',
          port: running!.port,
          connections: CONNECTIONS,
          until: requests === undefined ? { ms } : { requests },
          cookies: cookies.get(name),
        } satisfies LoadJob),
      options,
    )
    for (const lane of lanes) await attempt(lane, () => checkLog(lane))
    return lanes.map(measuredOf)
  } finally {
    await stage.end()
  }
}

export function reportAuth(measured: readonly Measured[]): Outcome {
  const cpu = { column: 'CPU s/10 000', factor: 1 }
  const targets = { [NOBODY]: [1.15, 1.08] } as const
  return compare(
    { title: AUTH, what: 'gateway', unit: 'requests', cpu, ours: [SIGNED_IN], targets },
    measured,
  )
}

/** Signs in as a browser does; what it sends from then on. */
export async function signIn(port: number): Promise<string> {
  const url = `http://127.0.0.1:${port}/login`
  const page = await fetch(url, { headers: { accept: 'text/html' } })
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1]
  if (csrf === undefined) throw new Error(`${url} has no form`)
  const answer = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: cookiesOf(page, '/login') },
    body: new URLSearchParams({ ...USER, _csrf: csrf }),
  })
  const cookies = cookiesOf(answer, '/')
  if (!cookies.includes('HYDRA-SSO=')) throw new Error(`${url} answered ${answer.status} without a session`)
  return cookies
}

/** Those that are sent to a path. */
function cookiesOf({ headers }: Response, path: string): string {
  return headers
    .getSetCookie()
    .filter((line) => line.includes(`Path=${path};`) || line.endsWith(`Path=${path}`))
    .map((line) => line.split(';', 1)[0]!)
    .join('; ')
}
