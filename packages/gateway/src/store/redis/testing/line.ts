/**
 * Lines to real servers, for tests of what is kept in Redis. The tests of one file share a server; each has a prefix of its
 * own.
 *
 * @module
 */
import { after, type TestContext } from 'node:test'
import { startRedis, type TestRedis } from '../../../../../../test/support/redis.ts'
import { systemClock } from '../../../observe/clock.ts'
import { createLog } from '../../../observe/log.ts'
import { instanceStoreContract } from '../../contract.ts'
import type { InstanceStore } from '../../port.ts'
import { createRedisInstances } from '../instances.ts'
import { createRedisLine, type OpenRedisLine } from '../line.ts'

export const quiet = createLog('silent')

interface Place {
  readonly url: string
  readonly prefix: string
  /** PEM. */
  readonly ca?: string
  /** @default 5000: tests share a busy machine */
  readonly commandTimeoutMs?: number
}

/** Opens a line that is closed with the test. */
export async function openTestLine(
  t: Pick<TestContext, 'after'>,
  { url, prefix, ca, commandTimeoutMs = 5000 }: Place,
): Promise<OpenRedisLine> {
  const settings = { url, prefix, connectTimeoutMs: 5000, commandTimeoutMs, ...(ca && { ca }) }
  const line = await createRedisLine({ settings, clock: systemClock, log: quiet })
  t.after(() => line.close())
  return line
}

/** A server for the tests of one file: started with the first of them, ended after the last. */
export function sharedRedis(): { place(): Promise<Place & Pick<TestRedis, 'command'>> } {
  let places = 0
  const server = sharedServers(startRedis)
  return {
    async place() {
      const { url, command } = await server()
      return { url, command, prefix: `hydra-gateway:${places++}:` }
    },
  }
}

/** A server, Sentinels or a Cluster that the tests of one file share: started with the first of them, ended after the last. */
export function sharedServers<Servers>(
  start: (t: Pick<TestContext, 'after'>) => Promise<Servers>,
): () => Promise<Servers> {
  let servers: Promise<Servers> | undefined
  const ends: (() => unknown)[] = []
  after(async () => {
    for (const end of ends.reverse()) await end()
  })
  return () => (servers ??= start({ after: (end) => void ends.push(end as () => unknown) }))
}

/** The contract of the instance store, in a place of its own for each test. */
export function instanceContractAt(
  name: string,
  at: () => Promise<{ readonly url: string; readonly ca?: string }>,
): void {
  let stores = 0
  instanceStoreContract(name, async (t, { rememberMs = 60_000 }) => {
    const servers = await at()
    const place = { ...servers, prefix: `hydra-gateway:${stores++}:` }
    const open = async (): Promise<InstanceStore> => {
      const line = await openTestLine(t, place)
      return createRedisInstances({ line, privateKeys: ['a private key'], rememberMs, log: quiet })
    }
    return { store: await open(), again: open }
  })
}
