/**
 * What happens when a gateway is killed and started again, and everybody comes back at once: `npm run bench:herd`.
 *
 *     npm run bench:herd -- --rounds 5             kills it five times instead of three
 *     npm run bench:herd -- --services 100         fewer services than 300, of three instances each
 *     npm run bench:herd -- --nodes 2 --redis URL  two nodes; one is killed, its services go to the other
 *     npm run bench:herd -- --profile FOLDER       writes a CPU profile of the last start there
 *
 * Takes half a minute; needs Linux and 4 000 open files. Everything is on this machine and shares its cores: services
 * answer no requests, but what they have to read is read here too.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Child, startChild } from '../support/child.ts'
import { KEYS } from '../support/hydra.ts'
import { type HerdGateway, startHerdGateway } from './gateway.ts'
import { INSTANCES, PROCESSES, SERVICES } from './site.ts'

const SETTLE_MS = 60_000
/** The gateway is away for so long, as when something has to notice that it died. */
const AWAY_MS = 1000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    services: { type: 'string', default: String(SERVICES) },
    nodes: { type: 'string', default: '1' },
    redis: { type: 'string' },
    profile: { type: 'string' },
  },
})
const count = Number(values.services) * INSTANCES
const nodes = Number(values.nodes)
if (nodes > 1 && values.redis === undefined) throw new Error('--nodes needs --redis URL')

const folder = await mkdtemp(join(tmpdir(), 'hydra-herd-'))
const env: Record<string, string> = values.redis ? { HYDRA_REDIS_URL: values.redis } : {}
const gateways: HerdGateway[] = []
const children: Child<{ count: number }>[] = []
try {
  for (let i = 0; i < nodes; i++) gateways.push(await startHerdGateway({ port: 0, folder, env }))
  const urls = gateways.map(({ port }) => `http://127.0.0.1:${port}`).join(',')
  const share = Math.ceil(count / PROCESSES / INSTANCES) * INSTANCES
  const starts: Promise<Child<{ count: number }>>[] = []
  for (let first = 0; first < count; first += share) {
    const args = [
      urls,
      KEYS.publicKey,
      KEYS.privateKey,
      String(first),
      String(Math.min(share, count - first)),
    ]
    starts.push(startChild(new URL('services.ts', import.meta.url), args))
  }
  children.push(...(await Promise.all(starts)))
  await settled(-1)
  say(`${count} instances of ${values.services} services are connected to ${nodes} node(s)`)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const isLast = round === Number(values.rounds)
    const [victim] = gateways as [HerdGateway]
    const killedAt = Date.now()
    await victim.kill()
    if (nodes === 1) {
      await wait(AWAY_MS)
      const profile = isLast ? values.profile : undefined
      gateways[0] = await startHerdGateway({ port: victim.port, folder, env, profile })
    }
    const here = nodes === 1 ? gateways[0]! : gateways[1]!
    const since = nodes === 1 ? here.listeningAt : killedAt
    const backAt = await settled(killedAt)
    const delay = await here.loopDelay()
    const metrics = await here.metrics()
    say(
      `round ${round}: all ${count} back ${backAt - since} ms after the gateway ${nodes === 1 ? 'listened' : 'was killed'}; ` +
        `event loop delay p50 ${tenths(delay.p50)} ms, p99 ${tenths(delay.p99)} ms, max ${tenths(delay.max)} ms; ` +
        `channels ${metrics.get('hydra_channels')}, available ${metrics.get('hydra_services{state="available"}')}`,
    )
    if (nodes > 1) {
      gateways[0] = await startHerdGateway({ port: victim.port, folder, env })
      gateways.reverse()
    }
    if (isLast && values.profile) await gateways[0]!.kill('SIGTERM')
    else await wait(2000)
  }
} finally {
  await Promise.all([...gateways.map((gateway) => gateway.kill()), ...children.map((child) => child.end())])
  await rm(folder, { recursive: true, force: true })
}

/** Waits until every instance is registered again; resolves with when the last one was. */
async function settled(since: number): Promise<number> {
  for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline; await wait(50)) {
    const states: { connected: number; lastAt: number }[] = []
    for (const child of children) states.push(await child.ask('state'))
    const connected = states.reduce((sum, state) => sum + state.connected, 0)
    const lastAt = Math.max(...states.map((state) => state.lastAt))
    if (connected === count && lastAt > since) return lastAt
  }
  throw new Error(`not all instances were back within ${SETTLE_MS} ms`)
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function tenths(ms: number): string {
  return ms.toFixed(1)
}

function say(sentence: string): void {
  console.log(sentence)
}
