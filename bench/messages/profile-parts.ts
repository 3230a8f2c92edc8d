/**
 * Where our own time goes under each load.
 *
 * @module
 */
import type { Seen } from '../support/clients/job.ts'
import { type Cores, pin } from '../support/processes.ts'
import { profile } from '../support/profile.ts'
import type { Opened, Speech } from './job.ts'
import { CONNECTIONS, jobOf, type LoadName, withClient } from './measure.ts'
import { pushRounds } from './measure-push.ts'
import type { MessagePeer, Peers } from './peers.ts'

const PROFILE_MS = 4000
const WARM_UP_MS = 2000
const CLIENTS = 2000

export async function profileParts(
  parts: readonly string[],
  { hydra, sdk, shared }: Peers,
  { cores, file }: { readonly cores: Cores | undefined; readonly file: string | undefined },
): Promise<void> {
  const one = (
    peer: MessagePeer,
    title: string,
    speech: Speech | undefined,
    load: LoadName | undefined,
    isToAll = false,
  ) =>
    withClient(cores, async ({ client, place, later }) => {
      const router = await peer.start(place(peer.name))
      later(router.end)
      pin(router.pids, cores?.proxy)
      const { port } = router
      const opened = speech && (await client.send<Opened>({ what: 'open', port, count: CLIENTS, speech }))
      const send = async (ms: number): Promise<Seen> => {
        if (load) return client.send<Seen>(jobOf(load, { port, connections: CONNECTIONS, until: { ms } }))
        const began = performance.now()
        let requests = 0
        while (performance.now() - began < ms) {
          await pushRounds(client, router, opened!, { name: title, isToAll }, 1)
          requests += CLIENTS
        }
        return { requests, seconds: (performance.now() - began) / 1000, p50Ms: 0, p99Ms: 0 }
      }
      const ours = peer === hydra ? [router] : [router, router.service]
      for (const process of ours) {
        const what = process === router ? title : `${title}, the service`
        const name = file?.replace(/(?=\.\w+$)|$/, `-${what.replace(/\W+/g, '-')}`)
        const options = { title: what, ms: PROFILE_MS, warmUpMs: WARM_UP_MS, file: name, send }
        console.log(`${await profile(process, options)}\n`)
      }
    })
  for (const load of ['http', 'ask', 'call'] as const) {
    if (!parts.includes(load)) continue
    await one(hydra, `${load}, service in Redis`, undefined, load)
    if (load !== 'http') await one(sdk, `${load}, SDK`, undefined, load)
  }
  if (!parts.includes('push')) return
  await one(sdk, 'push, classic', 'classic', undefined)
  await one(sdk, 'push, resuming', 'resuming', undefined)
  await one(sdk, 'push to all, classic', 'classic', undefined, true)
  await one(sdk, 'push to all, resuming', 'resuming', undefined, true)
  await one(shared, 'push, resuming, Redis', 'resuming', undefined)
  await one(hydra, 'push, service in Redis', 'classic', undefined)
}
