import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../observe/manual-clock.ts'
import { createSupervisor, type GatewayCommand } from './supervisor.ts'

const LONGEST_MS = 5000

/** Gateways that serve, crash and fail when they are told. */
function looksAfter() {
  const clock = createManualClock()
  const started: (EventEmitter & {
    readonly pid: number
    serves(): Promise<void>
    crashes(): Promise<void>
  })[] = []
  const said: string[] = []
  const ports: 'closed'[] = []
  let failure: Error | undefined
  const supervisor = createSupervisor({
    spawn() {
      const error = failure
      failure = undefined
      if (error) throw error
      const child = Object.assign(new EventEmitter(), {
        pid: 100 + started.length,
        connected: true,
        send() {},
        kill() {},
        async serves() {
          child.emit('message', { hydra: 'ready', url: 'http://localhost', version: '1', patienceMs: 0 })
          await turn()
        },
        async crashes() {
          child.emit('exit', 1, null)
          await turn()
        },
      })
      started.push(child)
      return child as unknown as ChildProcess
    },
    holdPort: async () => ({ fd: 10, close: () => ports.push('closed') }),
    given: {},
    pid: 1,
    clock,
    say: (sentence) => said.push(sentence),
    settings: { firstPauseMs: LONGEST_MS, longestPauseMs: LONGEST_MS },
  })
  return {
    supervisor,
    started,
    said,
    /** Those that are held no more. */
    ports,
    latest: () => started.at(-1)!,
    fails(error: Error) {
      failure = error
    },
    async pass(ms: number) {
      clock.advance(ms)
      await turn()
    },
  }
}

const command: GatewayCommand = {
  node: 'node',
  args: [],
  cwd: '/',
  env: {},
  ports: [{ name: 'http', port: 80 }],
}

async function serving() {
  const site = looksAfter()
  const first = site.supervisor.start(command)
  await turn()
  await site.latest().serves()
  await first
  return site
}

test('a takeover that fails while a crashed gateway waits to be started again makes no second one', async () => {
  const { supervisor, started, latest, pass } = await serving()
  await latest().crashes()
  await pass(LONGEST_MS - 500)
  const replaced = supervisor.replace(command, () => {})
  await turn()
  await latest().crashes()
  assert.ok('refused' in (await replaced))
  const before = started.length
  await pass(500)
  await pass(LONGEST_MS)
  assert.equal(started.length - before, 1, 'it does not serve yet, and nobody else is started')
  await latest().serves()
  assert.equal(supervisor.current, latest().pid)
})

test('a takeover waits for a crashed gateway that is being started again, and then has it leave', async () => {
  const { supervisor, started, latest, pass } = await serving()
  await latest().crashes()
  await pass(LONGEST_MS)
  const again = latest()
  const told: string[] = []
  const replaced = supervisor.replace(command, (sentence) => told.push(sentence))
  await turn()
  assert.equal(latest(), again)
  await again.serves()
  await turn()
  assert.notEqual(latest(), again)
  await latest().serves()
  assert.match(told.join(), new RegExp(`Process ${again.pid} finishes`))
  again.emit('exit', 0, null)
  assert.deepEqual(await replaced, { pid: latest().pid, version: '1', before: again.pid })
  assert.equal(started.length, 3)
})

test('a system that can not start a process now is asked again', async () => {
  const { supervisor, latest, pass, fails, said } = await serving()
  fails(new Error('spawn ENOMEM'))
  await latest().crashes()
  await pass(LONGEST_MS)
  assert.match(said.at(-1)!, /could not start again: spawn ENOMEM/)
  await pass(LONGEST_MS)
  await latest().serves()
  assert.equal(supervisor.current, latest().pid)
})

test('a stop closes the ports at once, not only when the last gateway has ended', async () => {
  const { supervisor, started, ports } = await serving()
  supervisor.signal('SIGTERM')
  assert.deepEqual(ports, ['closed'])
  started[0]!.emit('exit', 0, null)
  assert.equal(await supervisor.ended, 0)
  assert.deepEqual(ports, ['closed'])
})

test('nothing is started for a command that was told to stop while its ports were opened', async () => {
  const { supervisor, started } = looksAfter()
  const first = supervisor.start(command)
  supervisor.signal('SIGTERM')
  assert.deepEqual(await first, { refused: 'the gateway is about to stop' })
  assert.equal(started.length, 0)
})
