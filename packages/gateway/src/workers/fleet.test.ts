import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { createFleet, type Fleet, type FleetSettings, type Worker } from './fleet.ts'
import type { FromWorker } from './messages.ts'
import type { WorkerProcess } from './process.ts'

/** A worker that does nothing but live: it listens, reports, and stops when told to. */
const LIVES = `
  process.send({ kind: 'listening', port: 1 })
  setInterval(() => process.send({ kind: 'report', counts: [], rssBytes: 1, seen: [] }), 50)
  process.on('message', ({ kind }) => kind === 'drain' && process.exit(0))
  process.on('disconnect', () => process.exit(0))`

function startScript(script: string): WorkerProcess {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  return {
    pid: child.pid,
    send: (message) => child.connected && child.send(message, () => {}),
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromWorker)),
    onExit: (listener) => void child.on('exit', (code, signal) => listener(signal ?? `status ${code}`)),
    kill: (signal) => void child.kill(signal),
  }
}

function openFleet(t: TestContext, script: string, settings: Partial<FleetSettings> = {}) {
  const seen: Worker[] = []
  const starts: number[] = []
  const fleet: Fleet = createFleet({
    size: 2,
    start() {
      starts.push(performance.now())
      return startScript(script)
    },
    attend(worker) {
      seen.push(worker)
      return { begin() {}, heard() {}, left() {} }
    },
    settings,
    clock: systemClock,
    log: createLog('silent'),
  })
  t.after(() => fleet.close({ graceMs: 0, idleMs: 0, spreadMs: 0 }))
  return { fleet, seen, starts }
}

async function until(is: () => boolean, withinMs = 10_000): Promise<void> {
  const endsAt = performance.now() + withinMs
  while (!is()) {
    assert.ok(performance.now() < endsAt, 'it took too long')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a worker that stands still is killed and replaced; the other one serves on', async (t) => {
  const { fleet, seen } = openFleet(t, LIVES, { silentMs: 1000 })
  await fleet.ready
  process.kill(seen[0]!.pid!, 'SIGSTOP')
  await until(() => seen.length === 3)
  await until(() => fleet.serving().length === 2)
  assert.ok(fleet.serving().includes(seen[1]!) || fleet.serving().some(({ pid }) => pid === seen[1]!.pid))
  assert.equal(fleet.restarts, 1)
})

test('workers that end again and again are replaced at once, then ever more seldom', async (t) => {
  const settings = { leastBackoffMs: 50, mostBackoffMs: 200 }
  const { fleet, starts } = openFleet(t, `${LIVES}; setTimeout(() => process.exit(1), 100)`, settings)
  await fleet.ready
  await until(() => fleet.restarts >= 6)
  const tookMs = starts.at(-1)! - starts[0]!
  assert.ok(tookMs > 200, `${tookMs}`)
})

test('a gateway does not start when its workers can’t, and says why', async (t) => {
  const failing = `process.send({ kind: 'failed', message: 'bind EADDRINUSE', code: 'EADDRINUSE' }, () => process.exit(1))`
  const { fleet } = openFleet(t, failing)
  await assert.rejects(fleet.ready, { code: 'EADDRINUSE' })
})
