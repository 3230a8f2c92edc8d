/**
 * What a page of four fragments costs beside others, as tables with their targets: `npm run bench:fragments`.
 *
 *     npm run bench:fragments -- --only pages                  one part: pages, slow
 *     npm run bench:fragments -- --peers hydra-http,nginx      some composers
 *     npm run bench:fragments -- --rounds 9                    more rounds than five
 *     npm run bench:fragments -- --requests 2000               so many pages per turn instead of 1.5 s
 *     npm run bench:fragments -- --json FILE                   writes what was measured
 *     npm run bench:fragments -- --write docs/performance.md   replaces the figures of that page
 *     npm run bench:fragments -- --profile [--cpuprofile FILE] where our own time goes, in ours or in `--peers`
 *
 * Takes two minutes; needs Linux, and a machine on which nothing else happens. Installs nothing: says which peers are
 * missing and goes on without them. A composer whose page is not right byte by byte is left out, and the exit code
 * is 1 then. A missed target is said, and is no failure.
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
import { pin, remarksOn, splitCores } from '../support/processes.ts'
import { profile } from '../support/profile.ts'
import { endAfter, runSteps } from '../support/run.ts'
import { askForPages, measure } from './measure.ts'
import { OURS, type OurPeer, PEERS } from './peers.ts'
import { reportPages, reportSlow } from './report.ts'
import { openPageStage } from './stage.ts'

const ROUNDS = 5
const TURN_MS = 1500
/** Long enough for Node to compile what is hot. */
const WARM_UP_MS = 3000
const PROFILE_MS = 5000
const MOST_MS = 900_000

const given = readArguments([
  { flag: 'only', what: 'part', names: ['pages', 'slow'] },
  { flag: 'peers', what: 'composer', names: PEERS.map(({ name }) => name) },
])
const chosen = given.chosen('peers')
endAfter(MOST_MS)

const cores = splitCores()
if (given.isProfile) {
  const ours = OURS.filter(({ name }) => chosen.includes(name))
  if (given.cpuprofile !== undefined && ours.length !== 1) fail('--cpuprofile goes with one of ours')
  for (const peer of ours) await profileOf(peer)
  process.exit()
}

const missing = missingPrograms(PEERS)
const remarks = [...(missing.length > 0 ? [missingSentence(missing)] : []), ...remarksOn(cores)]
const peers = PEERS.filter(
  ({ name, program }) => chosen.includes(name) && !(program && missing.includes(program)),
)
const parts = given.chosen('only')
let failures = 0
await runSteps([{ name: parts.join(', '), run }], given, { place: 'pages', remarks })
process.exitCode = failures > 0 ? 1 : 0

async function run() {
  const measured = await measure(peers, {
    rounds: given.rounds ?? ROUNDS,
    requests: given.requests,
    turnMs: TURN_MS,
    warmUpMs: WARM_UP_MS,
    cores,
    onTurn: progress('pages'),
    measuresPages: parts.includes('pages'),
    measuresSlow: parts.includes('slow'),
  })
  failures = measured.pages.filter(({ failure }) => failure !== undefined).length
  return [
    ...(parts.includes('pages') ? [reportPages(measured)] : []),
    ...(parts.includes('slow') ? [reportSlow(measured)] : []),
  ]
}

/** One of ours alone. */
async function profileOf(peer: OurPeer): Promise<void> {
  const stage = await openPageStage(cores)
  try {
    const running = await peer.start(stage.place(peer.name))
    if ('refused' in running) throw new Error(running.refused)
    stage.later(running.end)
    pin(running.pids, cores?.proxy)
    for (const [name, process] of Object.entries(running.profiled)) {
      const text = await profile(process, {
        title: `pages of ${peer.name}, its ${name}`,
        ms: PROFILE_MS,
        warmUpMs: WARM_UP_MS,
        file:
          given.cpuprofile && Object.keys(running.profiled).length > 1
            ? given.cpuprofile.replace(/(?=\.\w+$)|$/, `-${name}`)
            : given.cpuprofile,
        send: (ms) => askForPages(stage, { peer, running }, { ms }),
      })
      console.log(`${text}\n`)
    }
  } finally {
    await stage.end()
  }
}
