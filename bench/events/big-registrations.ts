/**
 * What a big registration costs everybody else: for how long the event loop of a running gateway is blocked, and
 * how much of its time it takes in all, from the first byte of the body to the last of the answer.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { LoopReport } from '../support/gateway.ts'
import type { Visitor } from '../support/visitor.ts'
import { openStage, type Stage } from './stage.ts'

export interface BigRegistrations {
  /** 5 000 static files, the first registration of a gateway that was just started. */
  readonly coldFiles: readonly LoopReport[]
  /** The same for further services at a gateway that has had such before. */
  readonly warmFiles: readonly LoopReport[]
  /** 10 000 page patterns of one service. */
  readonly patterns: readonly LoopReport[]
}

/** Around a registration, so that what came before or comes after is not taken for it, ms. */
const QUIET_MS = 20

/** Registers with `gateways` fresh gateways, and `further` services more of each kind with the last of them. */
export async function bigRegistrations(gateways: number, further: number): Promise<BigRegistrations> {
  const coldFiles: LoopReport[] = []
  const warmFiles: LoopReport[] = []
  const patterns: LoopReport[] = []
  for (let run = 0; run < gateways; run++) {
    const stage = await openStage()
    try {
      const client = stage.visitor()
      // The connection is open and the gateway has answered something, as any running one has.
      await client.get('/health')
      coldFiles.push(await watched(stage, client, 'cold', { staticResources: files() }))
      await checkServed(client, 'cold')
      if (run < gateways - 1) continue
      for (let n = 0; n < further; n++) {
        warmFiles.push(await watched(stage, client, `warm-${n}`, { staticResources: files() }))
      }
      for (let n = 0; n < further; n++) {
        patterns.push(await watched(stage, client, `pages-${n}`, { endpoints: pages(`pages-${n}`) }))
      }
    } finally {
      await stage.close()
    }
  }
  return { coldFiles, warmFiles, patterns }
}

async function watched(
  { gateway, register }: Stage,
  client: Visitor,
  name: string,
  more: Record<string, unknown>,
): Promise<LoopReport> {
  await gateway.ask('watch')
  await delay(QUIET_MS)
  await register(client, name, more)
  await delay(QUIET_MS)
  return gateway.ask<LoopReport>('report')
}

/** What a Medusa client finds on a class path: its files, and thousands of names nobody will ever ask for. */
function files(): string[] {
  return Array.from({ length: 1000 }, (_, n) => [
    `css/page-${n}.css`,
    `webjars/library-${n % 40}/5.3.${n}/dist/js/module.min.js`,
    `io/getmedusa/medusa/core/boot/Handler$Inner$${n}.class`,
    `docs/Copy of notes (${n}), 50% {draft} [old]?.txt`,
    `org/springframework/aot/Größe#${n}&lang=*/**.properties`,
  ]).flat()
}

function pages(name: string): string[] {
  return Array.from({ length: 10_000 }, (_, n) => `/${name}/area-${n % 100}/list-${n}/{id:[0-9]+}`)
}

/** A registration that is quick because it loses half of the files would be no feat. */
async function checkServed(client: Visitor, name: string): Promise<void> {
  const all = files()
  for (const file of [all[0]!, all[2501]!, all[4997]!, all[4998]!, all[4999]!]) {
    const path = `/${name}/${file.split('/').map(encodeURIComponent).join('/')}`
    const { status } = await client.get(path)
    if (status !== 200) throw new Error(`${path} is registered but answers ${status}`)
  }
  const { status } = await client.get(`/${name}/css/page-1000.css`)
  if (status !== 404) throw new Error(`a file nobody registered answers ${status}`)
}
