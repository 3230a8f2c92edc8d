/**
 * What messages cost beside hydra-router and socket.io, as tables with their targets: `npm run bench:messages`.
 *
 *     npm run bench:messages -- --original DIR              a checkout of hydra-router, which is not on npm; or HYDRA_ROUTER_DIR
 *     npm run bench:messages -- --only http,push            some parts: http, ask, call, push
 *     npm run bench:messages -- --rounds 9                  more rounds than five
 *     npm run bench:messages -- --requests 1000             so many clients that are pushed to, instead of 5 000
 *     npm run bench:messages -- --json FILE                 writes what was measured
 *     npm run bench:messages -- --write docs/performance.md replaces the figures of that page
 *     npm run bench:messages -- --profile [--only ask]      where our own time goes: http, ask, call or push
 *
 * Takes four minutes; needs Linux, `redis-server`, 6 000 open files, and a machine on which nothing else happens. A
 * missed target is said, and is no failure.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  fail,
  missingPrograms,
  missingSentence,
  progress,
  readArguments,
} from '../support/bench-arguments.ts'
import { remarksOn, splitCores } from '../support/processes.ts'
import { endAfter, runSteps, type Step } from '../support/run.ts'
import { type LoadName, measureLoads } from './measure.ts'
import { measurePush, type PushFindings, type Way } from './measure-push.ts'
import { createPeers, type MessagePeer } from './peers.ts'
import { profileParts } from './profile-parts.ts'
import { reportIdle, reportLoad, reportPush } from './report.ts'

const ROUNDS = 5
const TURN_MS = 1100
const WARM_UP_MS = 2000
const CLIENTS = 5000
const MOST_MS = 900_000
const LOADS: readonly LoadName[] = ['http', 'ask', 'call']

const given = readArguments([{ flag: 'only', what: 'part', names: [...LOADS, 'push'] }], { original: true })
endAfter(MOST_MS)
if (missingPrograms([{ program: 'redis-server' }]).length > 0) fail(missingSentence(['redis-server']))
const original = given.original ?? process.env.HYDRA_ROUTER_DIR
if (original !== undefined && !existsSync(join(original, 'hydra-router.js')))
  fail(`there is no hydra-router.js in ${original}`)

const cores = splitCores()
const peers = createPeers({ cores, original: original && resolve(original) })
const remarks = remarksOn(cores)
const notes = original === undefined ? ['hydra-router was not measured: give --original DIR.'] : []
const chosen = given.chosen('only')

if (given.isProfile) {
  await profileParts(chosen, peers, { cores, file: given.cpuprofile })
  process.exit()
}

const some = (...all: (MessagePeer | undefined)[]): MessagePeer[] => all.filter((peer) => peer !== undefined)
const peersOf: Readonly<Record<LoadName, readonly MessagePeer[]>> = {
  http: some(peers.hydra, peers.original),
  ask: some(peers.hydra, peers.sdk, peers.original),
  call: some(peers.hydra, peers.sdk, peers.original),
}
/** By one push for all of them, and by one for each. */
const bySdk = (name: string, peer: MessagePeer, speech: Way['speech']): Way[] => [
  { name: `hydra: SDK to ${name}, all at once`, peer, speech, isToAll: true },
  { name: `hydra: SDK to ${name}`, peer, speech },
]
const ways: readonly Way[] = [
  ...bySdk('classic clients', peers.sdk, 'classic'),
  ...bySdk('clients that resume', peers.sdk, 'resuming'),
  ...bySdk('clients that resume, kept in Redis', peers.shared, 'resuming'),
  { name: 'hydra: `hydra` service to classic clients', peer: peers.hydra, speech: 'classic' },
  ...(peers.original
    ? [{ name: 'hydra-router: `hydra` service', peer: peers.original, speech: 'classic' } as const]
    : []),
  { name: 'socket.io: to all at once', peer: peers.socketio, speech: 'socket.io', isToAll: true },
  { name: 'socket.io: to one after the other', peer: peers.socketio, speech: 'socket.io' },
]

const steps: Step[] = LOADS.filter((load) => chosen.includes(load)).map((load) => ({
  name: load,
  async run() {
    const found = await measureLoads([{ load, peers: peersOf[load] }], {
      rounds: given.rounds ?? ROUNDS,
      turnMs: TURN_MS,
      warmUpMs: WARM_UP_MS,
      cores,
      onLoad: progress,
    })
    return [reportLoad(load, found.get(load)!, notes)]
  },
}))
if (chosen.includes('push'))
  steps.push({
    name: 'push',
    async run() {
      const clients = given.requests ?? CLIENTS
      const found: PushFindings = await measurePush(ways, {
        clients,
        rounds: given.rounds ?? ROUNDS,
        cores,
        onTurn: progress('push'),
      })
      return [reportPush(found, clients, notes), reportIdle(found.idle, clients, notes)]
    },
  })
await runSteps(steps, given, { place: 'messages', remarks })
