/**
 * What the proxy costs beside others, as tables with their targets: `npm run bench:proxy`.
 *
 *     npm run bench:proxy -- --only get,post               some loads: get, post, connect, big, websocket, h2
 *     npm run bench:proxy -- --rounds 9                    more rounds than five
 *     npm run bench:proxy -- --requests 20000              so many requests per turn instead of 1.1 s
 *     npm run bench:proxy -- --json FILE                   writes what was measured
 *     npm run bench:proxy -- --write docs/performance.md   replaces the figures of that page
 *     npm run bench:proxy -- --profile [--cpuprofile FILE] where our own time goes, under `get` or one other load
 *
 * Takes five and a half minutes; needs Linux, and a machine on which nothing else happens. Installs nothing: says
 * which peers are missing and goes on without them. A missed target is said, and is no failure.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatFacts, readFacts } from '../support/facts.ts'
import { countTargets, formatPart, type Part } from '../support/part.ts'
import { replaceFigures } from '../support/performance-page.ts'
import { LOADS, type Load } from './loads.ts'
import { measure } from './measure.ts'
import { findProgram } from './native/program.ts'
import { missingPrograms, PEERS } from './peers.ts'
import { splitCores } from './processes.ts'
import { profile } from './profile.ts'
import { reportOf } from './report.ts'

const ROUNDS = 5
const TURN_MS = 1100
/** Long enough for Node to compile what is hot. */
const WARM_UP_MS = 2000
const PROFILE_MS = 5000
/** What hangs ends, and everybody it started with it. */
const MOST_MS = 1_800_000

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

const { loads, rounds, requests, json, write, isProfile, cpuprofile } = readArguments()
const page = write === undefined ? undefined : readFileSync(write, 'utf8')
setTimeout(() => fail(`not done after ${MOST_MS / 60_000} min`), MOST_MS).unref()
// The programs of the system are ended at the exit, those of Node end when nobody is there any more.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const cores = splitCores()
if (isProfile) {
  const options = { ms: PROFILE_MS, warmUpMs: WARM_UP_MS, cores, file: cpuprofile }
  for (const load of loads) console.log(`${await profile(load, options)}\n`)
  process.exit()
}

const facts = readFacts()
for (const [name, value] of formatFacts(facts)) console.log(`${name.padEnd(12)} ${value}`)
const missing = [...missingPrograms(PEERS), ...(findProgram('h2load') ? [] : ['h2load'])]
const remarks = [
  ...(missing.length > 0 ? [missingSentence(missing)] : []),
  ...(cores ? [] : ['Everybody shares all cores: there is one only, or no taskset.']),
]
for (const remark of remarks) console.log(remark)

const parts: Part[] = []
for (const load of loads) {
  if (load.tls && missing.includes('h2load')) continue
  const peers = PEERS.filter(
    ({ program, hasTls }) => !(program && missing.includes(program)) && (hasTls || !load.tls),
  )
  const began = performance.now()
  const options = { rounds, requests, turnMs: TURN_MS, warmUpMs: WARM_UP_MS, cores, onTurn: progress(load) }
  const measured = await measure(load, peers, options)
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  const part = { name: load.name, ...reportOf(load, measured), seconds: (performance.now() - began) / 1000 }
  parts.push(part)
  console.log(`\n${formatPart(part)}`)
}
const { met, all } = countTargets(parts)
const seconds = parts.reduce((sum, part) => sum + part.seconds, 0)
console.log(`\n${met} of ${all} targets met, ${seconds.toFixed(0)} s`)

if (json !== undefined) {
  const rows = parts.map(({ name, seconds, data }) => ({ name, seconds, data }))
  writeFileSync(json, `${JSON.stringify({ facts, remarks, loads: rows }, undefined, 2)}\n`)
}
if (write !== undefined && page !== undefined) {
  writeFileSync(write, replaceFigures(page, 'proxies', { facts, parts, remarks }))
}

/** A line that is overwritten; one per load where it would not be. */
function progress({ title }: Load): (done: number, all: number) => void {
  if (!process.stderr.isTTY) {
    process.stderr.write(`${title} …\n`)
    return () => {}
  }
  return (done, all) => process.stderr.write(`\r\x1b[K${title}: turn ${done} of ${all}`)
}

function missingSentence(programs: readonly string[]): string {
  const packages = programs.map((name) => (name === 'h2load' ? 'nghttp2-client' : name))
  const names = new Intl.ListFormat('en').format(programs)
  return `Not installed and left out: ${names}; on Debian: sudo apt-get install ${packages.join(' ')}`
}

function readArguments() {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      options: {
        only: text,
        rounds: text,
        requests: text,
        json: text,
        write: text,
        cpuprofile: text,
        profile: { type: 'boolean', default: false },
      },
    })
    const { only, json, write, cpuprofile } = values
    const names = LOADS.map(({ name }) => name as string)
    const chosen = only?.split(',') ?? (values.profile ? ['get'] : names)
    const unknown = chosen.filter((name) => !names.includes(name))
    if (unknown.length > 0) {
      throw new Error(`there is no load ${unknown.join(', ')}; there are ${names.join(', ')}`)
    }
    if (write !== undefined && chosen.length < names.length) {
      throw new Error('--write needs all loads: figures of one page are from one run')
    }
    if (cpuprofile !== undefined && !(values.profile && chosen.length === 1)) {
      throw new Error('--cpuprofile goes with --profile and one load')
    }
    return {
      loads: LOADS.filter(({ name }) => chosen.includes(name)),
      rounds: count('--rounds', values.rounds) ?? ROUNDS,
      requests: count('--requests', values.requests),
      json,
      write,
      isProfile: values.profile,
      cpuprofile,
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function count(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = Number(given)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} takes a number from 1 on`)
  return value
}
