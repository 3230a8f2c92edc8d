/**
 * What the proxy costs beside others, as tables with their targets: `npm run bench:proxy`.
 *
 *     npm run bench:proxy -- --only get,post               some loads: get, post, connect, big, websocket, h2
 *     npm run bench:proxy -- --rounds 9                    more rounds than five
 *     npm run bench:proxy -- --requests 20000              so many requests per turn instead of 1.1 s
 *     npm run bench:proxy -- --json FILE                   writes what was measured
 *     npm run bench:proxy -- --write docs/performance.md   replaces the figures of that page
 *     npm run bench:proxy -- --auth                        `get` with a login beside `get` without
 *     npm run bench:proxy -- --profile [--cpuprofile FILE] where our own time goes, under `get` or one other load
 *
 * Takes five and a half minutes; needs Linux, and a machine on which nothing else happens. Installs nothing: says
 * which peers are missing and goes on without them. A missed target is said, and is no failure.
 *
 * @module
 */
import {
  fail,
  missingPrograms,
  missingSentence,
  progress,
  readArguments,
} from '../support/bench-arguments.ts'
import type { Seen } from '../support/clients/job.ts'
import { pin, remarksOn, splitCores } from '../support/processes.ts'
import { profile } from '../support/profile.ts'
import { endAfter, runSteps } from '../support/run.ts'
import { AUTH, AUTH_CONFIG, measureAuth, reportAuth, signIn } from './auth.ts'
import { LOADS, type Load, type LoadJob } from './loads.ts'
import { measure } from './measure.ts'
import { OURS, PEERS, startProxy } from './peers.ts'
import { reportOf } from './report.ts'
import { openProxyStage } from './stage.ts'

const ROUNDS = 5
const TURN_MS = 1100
/** Long enough for Node to compile what is hot. */
const WARM_UP_MS = 2000
const PROFILE_MS = 5000
const MOST_MS = 1_800_000

const given = readArguments([{ flag: 'only', what: 'load', names: LOADS.map(({ name }) => name) }], {
  auth: true,
})
const chosen = given.isProfile && !given.has('only') ? ['get'] : given.chosen('only')
const loads = LOADS.filter(({ name }) => chosen.includes(name))
endAfter(MOST_MS)

const cores = splitCores()
if (given.isProfile) {
  if (given.cpuprofile !== undefined && loads.length > 1) fail('--cpuprofile goes with one load')
  for (const load of loads) console.log(`${await profileOf(load)}\n`)
  process.exit()
}
if (given.isAuth) {
  if (given.write !== undefined) fail('--write needs everything: figures of one page are from one run')
  const step = { name: AUTH, run: async () => [reportAuth(await measureAuth(options(AUTH)))] }
  await runSteps([step], given, { place: 'proxies', remarks: [] })
  process.exit()
}

const missing = missingPrograms([...PEERS, { program: 'h2load' }])
const remarks = [...(missing.length > 0 ? [missingSentence(missing)] : []), ...remarksOn(cores)]
const steps = loads
  .filter(({ tls }) => !(tls && missing.includes('h2load')))
  .map((load) => ({ name: load.name, run: async () => [reportOf(load, await measured(load))] }))
await runSteps(steps, given, { place: 'proxies', remarks })

function measured(load: Load) {
  const peers = PEERS.filter(
    ({ program, hasTls }) => !(program && missing.includes(program)) && (hasTls || !load.tls),
  )
  return measure(load, peers, options(load.title))
}

function options(title: string) {
  return {
    rounds: given.rounds ?? ROUNDS,
    requests: given.requests,
    turnMs: TURN_MS,
    warmUpMs: WARM_UP_MS,
    cores,
    onTurn: progress(title),
  }
}

/** Ours alone under a load. */
async function profileOf({ name, title, tls, connections }: Load): Promise<string> {
  if (tls) throw new Error('a profile needs one of the loads without TLS')
  const stage = await openProxyStage({ cores, tls: false })
  try {
    const hydra = await startProxy(stage.place(OURS), 'info', given.isAuth ? AUTH_CONFIG : {})
    if ('refused' in hydra) throw new Error(hydra.refused)
    stage.later(hydra.end)
    pin(hydra.pids, cores?.proxy)
    const cookies = given.isAuth ? await signIn(hydra.port) : undefined
    const send = (ms: number) =>
      stage.send<Seen>({
        load: name,
        port: hydra.port,
        connections,
        until: { ms },
        cookies,
      } satisfies LoadJob)
    return await profile(hydra, {
      title,
      ms: PROFILE_MS,
      warmUpMs: WARM_UP_MS,
      file: given.cpuprofile,
      send,
    })
  } finally {
    await stage.end()
  }
}
