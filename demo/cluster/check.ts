/**
 * `npm run demo:cluster -- --check`: everything is killed in turn while visitors come, and nobody may notice.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { Style } from '@hydra-gateway/gateway/terminal'
import { createReport } from '../check/report.ts'
import { ask } from '../shop/ask.ts'
import { type Cluster, openCluster, until, type VictimName } from './cluster.ts'
import { startVisits } from './visits.ts'

export interface CheckOptions {
  readonly port: number
  write(text: string): void
  readonly style: Style
  /** Ends the check early; everything that was started is stopped. */
  readonly signal: AbortSignal
}

const BACK_AFTER_MS = 500
const TALK_EVERY_MS = 100

/** Those who are killed, one after the other. */
const VICTIMS: readonly VictimName[] = ['node b', 'redis', 'catalog', 'reviews', 'node a']

/** Resolves with the exit status. */
export async function runCheck({ port, write, style, signal }: CheckOptions): Promise<number> {
  const report = createReport({ write, style })
  const troubles: string[] = []
  let cluster: Cluster | undefined
  write(`${style.mark}${style.bold('hydra demo:cluster --check')}\n\n`)
  try {
    await report.step('Redis, two nodes and the shop start', async () => {
      cluster = await openCluster({
        port,
        backAfterMs: BACK_AFTER_MS,
        talkEveryMs: TALK_EVERY_MS,
        onEvent: ({ name, text }) => troubles.push(`${name ?? ''} ${text}`),
      })
      return [`at ${cluster.url}; both nodes serve every service at all of its instances`]
    })
    if (cluster) await report.step('What hydra-express serves, and says', () => tryReviews(cluster!))
    for (const name of cluster ? VICTIMS : []) {
      if (signal.aborted) break
      const opened = cluster!
      await report.step(`kill -9 of ${name}: nobody notices, and it comes back`, () => kill(opened, name))
    }
  } finally {
    const opened = cluster
    if (opened)
      await report.step('Everything stops', async () => {
        await opened.stop()
        report.answered(opened.visits.answered)
        const { said, lost } = opened.talk
        return [
          `${opened.visits.answered} pages, failed ${opened.visits.failed}; ${said} lines, lost ${lost}`,
        ]
      })
  }
  const isWell = report.end() && !signal.aborted
  if (!isWell) for (const line of troubles) write(`      ${line}\n`)
  if (signal.aborted) write('\nStopped before the end.\n')
  return isWell ? 0 : 1
}

async function kill(cluster: Cluster, name: VictimName): Promise<readonly string[]> {
  const { visits, talk } = cluster
  const [answered, failed, askedAgain] = [visits.answered, visits.failed, visits.askedAgain]
  const [said, recovered, caughtUp, again] = [talk.said, talk.recovered, talk.caughtUp, talk.again]
  talk.slowestMs()
  // Redis takes older services along, as their library has it.
  const ofReviews = name === 'redis' ? undefined : startVisits(cluster.url, REVIEWS, 10)
  const { broughtBack } = cluster
  await cluster.kill(name)
  const backAt = performance.now()
  if (name === 'redis') await olderOnesAgain(cluster, broughtBack)
  await until(`both nodes have everything after the death of ${name}`, async () => {
    await cluster.refresh()
    return cluster.rows().every(({ state }) => state === 'available')
  })
  const wholeMs = Math.round(performance.now() - backAt)
  await ofReviews?.stop()
  const lines = talk.said
  await until('the chat goes on', () => talk.said > lines + 3)
  await until('everybody heard all of it', () => talk.isLevel())
  assert.equal(visits.failed - failed, 0, `failed: ${visits.lastFailure}`)
  assert.equal(ofReviews?.failed ?? 0, 0, `failed: ${ofReviews?.lastFailure}`)
  assert.ok(visits.answered > answered, 'pages were answered')
  assert.equal(talk.lost, 0, 'lines of the chat were lost')
  const isNode = name.startsWith('node')
  if (isNode) {
    assert.ok(talk.recovered > recovered, 'sockets of the node came back')
    assert.equal(talk.caughtUp - caughtUp, 0, 'somebody was told that messages are gone')
  }
  const back = talk.recovered - recovered
  const asked = talk.caughtUp - caughtUp
  return [
    `${visits.answered - answered} pages answered, failed 0, asked again ${visits.askedAgain - askedAgain}`,
    `${talk.said - said} lines in the chat, lost 0, handed again ${talk.again - again}; longest silence ${Math.round(talk.slowestMs())} ms`,
    ...(back + asked > 0
      ? [`${back} sockets back with nothing missed, ${asked} told that something is, and given it`]
      : []),
    `both nodes had everything ${wholeMs} ms after its return`,
  ]
}

/** How long after Redis refused it the library of older services may take to end them. */
const ENDS_WITHIN_MS = 6000
const OLDER = 2

/** Waits until those that end without Redis serve again; they end unless it was back before they noticed. */
async function olderOnesAgain(cluster: Cluster, before: number): Promise<void> {
  const patience = performance.now() + ENDS_WITHIN_MS
  const isWhole = (): boolean => cluster.rows().every(({ pids, started }) => pids.length === started)
  await until('services that ended with Redis serve again', () => {
    const isLate = performance.now() > patience
    return isWhole() && (cluster.broughtBack >= before + OLDER || (isLate && cluster.broughtBack === before))
  })
}

const REVIEWS = ['/reviews/marsh-lamp', '/v1/reviews/marsh-lamp', '/reviews']

/** An unmodified service: its routes, its pages, and messages to and from services of the SDK. */
async function tryReviews({ url, talk }: Cluster): Promise<readonly string[]> {
  const heard: string[] = []
  const forget = talk.onLine(({ who, text }) => who === 'reviews' && heard.push(text))
  const isHeard = (part: string) => () => heard.some((text) => text.includes(part))
  const headers = { 'content-type': 'application/json' }
  const review = { stars: 5, words: 'It finds me.' }
  const written = await ask(`${url}/v1/reviews/marsh-lamp`, {
    method: 'POST',
    headers,
    body: JSON.stringify(review),
  })
  assert.equal(written.status, 201, written.body)
  const page = await ask(`${url}/reviews/marsh-lamp`)
  assert.equal(page.status, 200, page.body)
  assert.ok(page.body.includes(review.words), 'the page shows the review')
  await until('the chat heard of the review', isHeard(review.words))
  await talk.say('rating marsh-lamp')
  await until('the reviews answered in the chat', isHeard('5 of 5'))
  forget()
  return [
    'a review by its API, its page under /reviews, both through the gateways',
    `in the chat: “${heard[0]}”, and “${heard.at(-1)}” when asked`,
  ]
}
