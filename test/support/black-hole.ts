/**
 * A line between a node and Redis that can be damaged: a proxy on loopback that passes everything on, swallows all of
 * it, cuts, is slow, or loses published messages alone.
 *
 * A process that is cut off sees what it would see behind a broken switch: its connections stand, and nothing answers.
 *
 * @module
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createPushFilter, type PushFilter } from './resp.ts'

/**
 * `pass`; `hole`: takes everything, new connections as well, and passes on nothing; `cut`: resets what there is, and
 * whatever comes; `lossy`: everything but published messages, in the direction of the node.
 */
export type LineState = 'pass' | 'hole' | 'cut' | 'lossy'

export interface BlackHole {
  readonly port: number
  readonly state: LineState
  /** Published messages it has lost. */
  readonly lost: number
  /** Changes the line, of connections that stand as well. What was swallowed is not brought back: those connections are cut. */
  set(state: LineState): void
  /** Both directions wait so long from now on, ms. */
  delay(ms: number): void
  close(): Promise<void>
}

interface Line {
  readonly near: Socket
  readonly far: Socket
  readonly filter: PushFilter
  /** Something was swallowed: whatever came after it would be nonsense. */
  isBroken: boolean
}

/** Opens one before a port of loopback. Ended when the test ends. */
export async function openBlackHole(t: Pick<TestContext, 'after'>, targetPort: number): Promise<BlackHole> {
  const lines = new Set<Line>()
  /** Came while nothing was passed on. */
  const stranded = new Set<Socket>()
  let state: LineState = 'pass'
  let delayMs = 0
  let lost = 0

  const server = createServer({ noDelay: true }, (near) => {
    near.on('error', () => {})
    if (state === 'cut') near.resetAndDestroy()
    else if (state === 'hole') {
      stranded.add(near)
      near.resume().on('close', () => stranded.delete(near))
    } else open(near)
  })

  function open(near: Socket): void {
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const line: Line = { near, far, filter: createPushFilter(), isBroken: false }
    lines.add(line)
    const end = (): void => {
      lines.delete(line)
      near.destroy()
      far.destroy()
    }
    far.on('error', () => near.resetAndDestroy())
    // A line that died in the hole is no news until the hole is closed.
    for (const socket of [near, far]) socket.on('close', () => state !== 'hole' && end())
    near.on('data', (piece) => pass(line, piece, far))
    far.on('data', (piece) => {
      // Reply by reply at any time, so that messages can be lost from any time on.
      const { kept, dropped } = line.filter.read(piece, state === 'lossy')
      lost += dropped
      if (kept.length > 0) pass(line, kept, near)
    })
  }

  function pass(line: Line, piece: Buffer, to: Socket): void {
    if (state === 'hole') line.isBroken = true
    else if (delayMs > 0) setTimeout(() => to.destroyed || to.write(piece), delayMs)
    else if (!to.destroyed) to.write(piece)
  }

  const cut = (line: Line): void => {
    lines.delete(line)
    line.near.resetAndDestroy()
    line.far.destroy()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      server.close()
      for (const line of lines) cut(line)
      for (const socket of stranded) socket.destroy()
      await once(server, 'close')
    })()
    return closing
  }
  t.after(close)
  return {
    port,
    close,
    get state() {
      return state
    },
    get lost() {
      return lost
    },
    set(next) {
      state = next
      if (next === 'hole') return
      for (const line of lines)
        if (next === 'cut' || line.isBroken || line.near.destroyed || line.far.destroyed) cut(line)
      for (const socket of stranded) socket.resetAndDestroy()
    },
    delay(ms) {
      delayMs = ms
    },
  }
}
