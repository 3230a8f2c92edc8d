/**
 * How costs grow with services, instances, routes and nodes: `npm run bench:capacity`.
 *
 *     npm run bench:capacity -- --only node              one node alone, without Redis
 *     npm run bench:capacity -- --json FILE              writes what was measured
 *     npm run bench:capacity -- --write docs/capacity.md   replaces the figures of that page
 *
 * Takes two minutes and a half. Nodes that share Redis need `redis-server`.
 *
 * @module
 */
import { missingPrograms, missingSentence, readArguments } from '../support/bench-arguments.ts'
import { remarksOn, splitCores } from '../support/processes.ts'
import { endAfter, runSteps, type Step } from '../support/run.ts'
import { measureOneNode } from './one-node.ts'
import { measureShared } from './shared.ts'

const MOST_MS = 900_000

const given = readArguments([{ flag: 'only', what: 'part', names: ['node', 'redis'] }])
endAfter(MOST_MS)
const cores = splitCores()
const missing = missingPrograms([{ program: 'redis-server' }])
const steps: readonly Step[] = [
  { name: 'node', run: async () => [await measureOneNode(cores)] },
  ...(missing.length > 0 ? [] : [{ name: 'redis', run: async () => [await measureShared(cores)] }]),
]
const remarks = [...remarksOn(cores), ...(missing.length > 0 ? [missingSentence(missing)] : [])]

await runSteps(
  steps.filter(({ name }) => given.chosen('only').includes(name)),
  given,
  { place: 'capacity', remarks },
)
