/**
 * Services that are nothing but what they would write into Redis.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { RedisLine } from '../../../store/redis/port.ts'

type Line = Pick<RedisLine, 'send'>

export const newInstanceId = (): string => randomUUID().replaceAll('-', '')

export async function command(line: Line, ...words: string[]): Promise<unknown> {
  return line.send('', words)
}

export interface PlayedInstance {
  readonly id: string
  stop(): void
}

/** Writes an entry as the library does, and what is given instead. */
export function entryOf(service: string, id: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    serviceName: service,
    serviceDescription: 'not specified',
    version: '1.0.0',
    instanceID: id,
    updatedOn: new Date().toISOString(),
    processID: 1,
    ip: '127.0.0.1',
    port: 9,
    hostName: 'played',
    ...more,
  })
}

/** Gives signs of life until it is stopped or the test ends. */
export async function playInstance(
  t: Pick<TestContext, 'after'>,
  line: Line,
  service: string,
  {
    id = newInstanceId(),
    more = {},
    text = entryOf(service, id, more),
    once = false,
  }: { id?: string; more?: Readonly<Record<string, unknown>>; text?: string; once?: boolean } = {},
): Promise<PlayedInstance> {
  const beat = async (): Promise<void> => {
    await command(line, 'SET', `hydra:service:${service}:${id}:presence`, id, 'EX', '3')
    await command(line, 'HSET', 'hydra:service:nodes', id, text)
  }
  await beat()
  const timer = once ? undefined : setInterval(() => void beat().catch(() => {}), 1000)
  const stop = (): void => clearInterval(timer)
  t.after(stop)
  return { id, stop }
}

export async function writeRoutes(line: Line, service: string, ...routes: string[]): Promise<void> {
  await command(line, 'DEL', `hydra:service:${service}:service:routes`)
  await command(line, 'SADD', `hydra:service:${service}:service:routes`, ...routes)
}

/** What a service says once it has written its routes. */
export async function sayRefresh(line: Line, serviceName?: string): Promise<void> {
  const message = {
    to: 'hydra-router:/refresh',
    frm: `${serviceName}:/`,
    mid: randomUUID(),
    ts: new Date().toISOString(),
    ver: 'UMF/1.4.6',
    bdy: { action: 'refresh', ...(serviceName === undefined ? {} : { serviceName }) },
  }
  await command(line, 'PUBLISH', 'hydra:service:mc:hydra-router', JSON.stringify(message))
}
