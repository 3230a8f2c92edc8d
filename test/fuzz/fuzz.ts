/**
 * Looks for messages that our codec and llhttp read differently, until the time is over or one is found.
 *
 *     npm run fuzz -- --minutes 5 [--seed 1]
 *
 * A find is made small, kept in `test/fuzz/corpus` (which the unit tests replay) and ends the run with 1. The seed is
 * printed first: the same one makes the same messages again.
 *
 * @module
 */
import { relative } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { keep, readCorpus } from '../../packages/gateway/src/http1/testing/corpus.ts'
import { makeCase } from '../../packages/gateway/src/http1/testing/mutations.ts'
import { createOracle, type Oracle } from '../../packages/gateway/src/http1/testing/oracle.ts'
import { Random } from '../../packages/gateway/src/http1/testing/random.ts'
import { shrink } from '../../packages/gateway/src/http1/testing/shrink.ts'
import type { Case } from '../../packages/gateway/src/http1/testing/verdict.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 1)
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('Usage: npm run fuzz -- --minutes N [--seed S], N above 0 and S a whole number')
  process.exit(2)
}

const oracle = createOracle()
const seeds = readCorpus().map(({ tested }) => tested)
const startedMs = performance.now()
const untilMs = startedMs + minutes * 60_000
let toldMs = startedMs

console.log(`fuzz: ${minutes} min, seed ${seed}, ${seeds.length} kept messages`)
for (let i = 0; performance.now() < untilMs; i += 1) {
  // Streams of neighbouring numbers share nothing; a multiplied seed keeps two runs from meeting.
  const random = new Random(Math.imul(seed, 0x9e37_79b1) + i)
  const tested = makeCase(random, seeds)
  const wrong = await whatIsWrong(oracle, tested, random)
  if (wrong) {
    await report(tested, wrong, i)
    process.exit(1)
  }
  if (i % 64 === 0) {
    await setImmediate()
    tell()
  }
}
tell(true)
console.log('fuzz: nothing found')

/** A codec that throws is a find as well. */
async function whatIsWrong(by: Oracle, tested: Case, random: Random): Promise<string | undefined> {
  try {
    return await by.check(tested, random)
  } catch (error) {
    return `thrown: ${error instanceof Error ? error.stack : error}`
  }
}

async function report(tested: Case, wrong: string, i: number): Promise<void> {
  const judge = createOracle()
  const isWrong = async (smaller: Case) =>
    (await whatIsWrong(judge, smaller, new Random(seed + i))) !== undefined
  const small = await shrink(tested, isWrong)
  const what = (await whatIsWrong(judge, small, new Random(seed + i))) ?? wrong
  const file = keep(`found-${seed}-${i}`, `Found by the fuzzer: ${what}`, small)
  console.log(`\nfuzz: message ${i} of seed ${seed}, made small:\n`)
  console.log(`  ${JSON.stringify(small.bytes.toString('latin1'))}\n\n  ${what}\n`)
  console.log(
    `kept as ${relative(process.cwd(), file)}: mend the codec, and give the file a name that says what it shows`,
  )
}

/** One line that updates where somebody watches, and one line in ten seconds where a file does. */
function tell(isLast = false): void {
  const nowMs = performance.now()
  if (!isLast && nowMs - toldMs < (process.stdout.isTTY ? 500 : 10_000)) return
  toldMs = nowMs
  const { cases, pairs, taken, refused } = oracle.counts
  const seconds = Math.round((nowMs - startedMs) / 1000)
  const line = `${seconds} s: ${cases} messages (${taken} taken, ${refused} refused), ${pairs} cuts`
  process.stdout.write(process.stdout.isTTY ? `\r${line}${isLast ? '\n' : ''}` : `${line}\n`)
}
