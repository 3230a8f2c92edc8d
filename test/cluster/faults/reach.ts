/**
 * How soon the other node knows: services, menus of open pages, ended sessions, signing keys; and that it reaches what is
 * connected elsewhere.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { SiteService } from '../../support/cluster-site.ts'
import { createCookieBrowser } from '../../support/cookie-browser.ts'
import { eventually } from '../../support/eventually.ts'
import { openPage } from '../../support/live-page.ts'
import type { Stage } from './stage.ts'
import { createFinding, type Scenario } from './trial.ts'
import { ask, whenSeen } from './watch.ts'

/** Who signs in at the stage of these. */
const MIRA = { username: 'mira', password: 'pond-boots' } as const
export const REACH_CONFIG: ConfigInput = {
  identity: { users: [{ ...MIRA, roles: ['CUSTOMER'] }], allowPlainPasswords: true, database: false },
}

export const comeAndGo: Scenario = {
  name: 'come-and-go',
  title: 'what registers at one node, or dies there, is known at the other',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 40 : 4
    const provisioned: number[] = []
    const told: number[] = []
    const gone: number[] = []
    const page = await openPage(stage, stage.b.url, 'menu=main')
    for (let i = 0; i < rounds; i++) {
      const name = `guest-${i}`
      say(`${name} registers at node a, and is killed (${i + 1} of ${rounds})`)
      const url = `${stage.b.url}/${name}/who`
      const seen = whenSeen(url, ({ status }) => status === 200)
      const service = await stage.site.startService(name, { nodes: [0] })
      const registeredAt = performance.now()
      provisioned.push(Math.max(0, (await seen) - registeredAt))
      await eventually(() => {
        if (stateOf(page, name) !== 'available') throw new Error(`the open page has no ${name}`)
      })
      const count = page.events.length
      const fallback = whenSeen(url, ({ status }) => status === 503)
      // What SIGKILL takes is not ours: from when the process is gone.
      await service.kill()
      const killedAt = performance.now()
      gone.push(Math.max(0, (await fallback) - killedAt))
      const event = await eventually(() => {
        const found = page.events.slice(count).find(({ data }) => itemOf(data, name)?.state === 'down')
        if (!found) throw new Error(`the open page has not heard that ${name} is down`)
        return found
      })
      told.push(Math.max(0, event.at - killedAt))
      await stage.a.order('DELETE', `services/${name}`)
    }
    page.close()
    finding.timings.push(
      {
        what: 'registration answered at one node → first 200 at the other',
        values: provisioned,
        target: isLong ? { of: 'p99', atMostMs: 100 } : { of: 'max', atMostMs: 1000 },
      },
      {
        what: 'kill -9 → fallback at the other node',
        values: gone,
        target: isLong ? { of: 'p99', atMostMs: 100 } : { of: 'max', atMostMs: 1000 },
      },
      {
        what: 'kill -9 → told to a page that is open at the other node',
        values: told,
        target: isLong ? { of: 'p99', atMostMs: 500 } : { of: 'max', atMostMs: 1000 },
      },
    )
    return finding
  },
}

type Page = Awaited<ReturnType<typeof openPage>>

const itemOf = (data: any, name: string): any =>
  data?.menus?.main?.find(({ path }: any) => path.startsWith(`/${name}/`))

const stateOf = ({ state }: Page, name: string): string | undefined => itemOf(state, name)?.state

export const silentDeath: Scenario = {
  name: 'silent-death',
  title: 'an instance that falls silent is gone at every node within five and a half seconds',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 5 : 1
    const values: number[] = []
    for (let i = 0; i < rounds; i++) {
      const service = await stage.site.startService('mute', { nodes: [0] })
      // A request that waits for it would wait as long as we measure.
      await whenSeen(`${stage.b.url}/mute/who`, ({ status }) => status === 200)
      say(`SIGSTOP ${service.pid}, the only instance of mute (${i + 1} of ${rounds})`)
      service.freeze()
      const frozenAt = performance.now()
      await eventually(
        async () => {
          const { services } = await stage.b.admin('services')
          const mute = services.find(({ name }: any) => name === 'mute')
          // Listed as recovering it may come back, and nobody is sent to it.
          if (mute?.instances.some(({ state }: any) => state === 'available')) throw new Error('still there')
        },
        15_000,
        20,
      )
      values.push(performance.now() - frozenAt)
      const { status } = await ask(`${stage.b.url}/mute/who`, false)
      if (status !== 503) finding.faults.push(`a service that fell silent is answered with ${status}`)
      await service.kill()
    }
    finding.timings.push({
      what: 'SIGSTOP of an instance → out of rotation at the other node',
      values,
      target: { of: 'max', atMostMs: 5500 },
    })
    return finding
  },
}

/** Of a site where mira can sign in. */
export const oneIdentity: Scenario = {
  name: 'one-identity',
  title: 'a sign-in holds at every node, and ends at every node within a second',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 20 : 3
    const revoked: number[] = []
    const rotated: number[] = []
    const members = await stage.site.startService('members', { nodes: [0, 1], env: { PRIVATE: '1' } })
    await stage.site.converged({ members: [members.instance()] })
    for (let i = 0; i < rounds; i++) {
      say(`mira signs in at node a, and her sessions are ended there (${i + 1} of ${rounds})`)
      const cookie = await signIn(stage)
      const headers = { cookie }
      const url = `${stage.b.url}/members/private/1`
      await whenSeen(url, ({ status }) => status === 200, { headers, withinMs: 2000 })
      await stage.a.order('POST', 'revocations', { user: 'mira', reason: 'laptop lost' })
      const endedAt = performance.now()
      revoked.push(Math.max(0, (await whenSeen(url, ({ status }) => status !== 200, { headers })) - endedAt))
      // Whoever signs in within the second in which everything was ended would be ended as well.
      await delay(1100)
    }
    // Sixteen keys may verify at a time.
    for (let i = 0; i < Math.min(rounds, 10); i++) {
      say(`a new signing key at node a (${i + 1} of ${rounds})`)
      const before = await signIn(stage)
      const { keys } = await stage.a.order('POST', 'keys/rotate')
      const rotatedAt = performance.now()
      const { kid } = keys.find(({ state }: any) => state === 'active')
      const knownAt = await whenSeen(`${stage.b.url}/.well-known/jwks.json`, ({ body }) => body.includes(kid))
      rotated.push(Math.max(0, knownAt - rotatedAt))
      for (const cookie of [before, await signIn(stage)])
        await whenSeen(`${stage.b.url}/members/private/2`, ({ status }) => status === 200, {
          headers: { cookie },
          withinMs: 1000,
        }).catch((error: Error) => finding.faults.push(`after a rotation: ${error.message}`))
    }
    await members.stop()
    const target = { of: 'max', atMostMs: 1000 } as const
    finding.timings.push(
      { what: 'sessions ended at one node → refused at the other', values: revoked, target },
      { what: 'signing key made at one node → published by the other', values: rotated, target },
    )
    return finding
  },
}

/** Signs in at node a; resolves with what a browser then sends as `Cookie`. */
async function signIn({ a }: Stage): Promise<string> {
  const browser = createCookieBrowser()
  const answer = await browser.signIn(a.url, MIRA)
  const line = answer.headers.getSetCookie().find((one) => one.startsWith('HYDRA-SSO='))
  if (answer.status !== 303 || line === undefined) throw new Error(`mira could not sign in: ${answer.status}`)
  return line.split(';')[0]!
}

export const elsewhere: Scenario = {
  name: 'elsewhere',
  title: 'what is connected to one node is asked for fragments, and drained, at the other',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 10 : 2
    const drained: number[] = []
    const parts = await stage.site.startService('parts', { nodes: [0] })
    await stage.site.converged({ parts: [parts.instance()] })
    say('pages at node b have a fragment of a service that is connected to node a')
    for (const { url, name } of stage.site.nodes) {
      const { body } = await ask(`${url}/shop/page`, false)
      if (!body.includes(`hello from ${parts.instance()}`))
        finding.faults.push(`a page at node ${name} has no fragment of a service at node a: ${body}`)
    }
    const [first, second] = stage.there.get('shop') as [SiteService, SiteService]
    for (let i = 0; i < rounds; i++) {
      const victim = i % 2 === 0 ? first : second
      say(`node b is asked to drain an instance of shop (${i + 1} of ${rounds})`)
      await stage.b.order('POST', 'services/shop/drain', { instance: victim.instance() })
      const askedAt = performance.now()
      await onlyAnswers(stage, victim)
      drained.push(performance.now() - askedAt)
      await stage.b.order('POST', 'services/shop/resume', { instance: victim.instance() })
      await stage.converged(2000)
    }
    await parts.stop()
    finding.timings.push({
      what: 'drain asked at one node → no visitor more at any',
      values: drained,
      target: { of: 'max', atMostMs: 1000 },
    })
    return finding
  },
}

/** Resolves when no node lists an instance as one that takes visitors. */
async function onlyAnswers({ site }: Stage, drained: SiteService): Promise<void> {
  await eventually(
    async () => {
      for (const node of site.nodes) {
        const { services } = await node.admin('services')
        const shop = services.find(({ name }: any) => name === 'shop')
        const { state } = shop.instances.find(({ id }: any) => id === drained.instance()) ?? {}
        if (state !== 'draining') throw new Error(`node ${node.name} says of it: ${state}`)
      }
    },
    5000,
    2,
  )
}
