/**
 * As many idle WebSockets as the system lets one process have: what each costs, and who notices.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../support/eventually.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { startProcess } from '../../support/process.ts'
import { openWebSockets } from '../../support/websockets.ts'
import { OTHERS_MS, start, startOthers, warm } from './others.ts'

const SOCKETS = fileURLToPath(new URL('../../support/services/sockets.ts', import.meta.url))
/** Promise of the design: an idle WebSocket that is passed through costs at most this much. */
const MOST_PER_SOCKET = 25 * 1024
/** Of fewer nobody can tell what one costs: the memory of a process moves by more than all of them. */
const ENOUGH = 2000

test('as many idle WebSockets as this machine allows cost little each, and hold up nobody', async (t) => {
  const gateway = await start(t)
  const service = startProcess(t, { args: [SOCKETS] })
  const [, port] = await service.printed(/port (\d+)/)
  await gateway.register(medusaBean('live', Number(port), { sockets: ['/live'] }))
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -n']).toString()) || 1_000_000
  const count = Math.min(10_000, Math.floor((limit - 1000) / 2))
  await warm(gateway)
  // The first ones pay for what all of them use.
  await openWebSockets(t, { port: gateway.port, path: '/live', count: Math.ceil(count / 100) })
  const before = await gateway.rss()
  const filesBefore = await gateway.files()
  const others = startOthers(t, gateway)
  const sockets = await openWebSockets(t, {
    port: gateway.port,
    path: '/live',
    count: count - Math.ceil(count / 100),
  })
  assert.ok((await gateway.files()) >= 2 * count)
  for (let i = 0; i < sockets.length; i += Math.ceil(sockets.length / 100)) {
    assert.equal(await sockets[i]!.ask(`hello ${i}`), `hello ${i}`)
  }
  assert.equal(sockets.filter(({ isClosed }) => isClosed).length, 0)
  // What was used up in opening them is collected some time later.
  let perSocket = Number.POSITIVE_INFINITY
  await eventually(
    async () => {
      perSocket = Math.min(perSocket, ((await gateway.rss()) - before) / sockets.length)
      assert.ok(count < ENOUGH || perSocket <= MOST_PER_SOCKET, `${Math.round(perSocket)} bytes for each`)
    },
    8000,
    250,
  )
  const { served, longestMs } = await others.stop()
  t.diagnostic(
    `${count} WebSockets, ${(perSocket / 1024).toFixed(1)} KiB each; ${served} others, the longest wait ${Math.round(longestMs)} ms`,
  )
  assert.ok(longestMs < OTHERS_MS, `somebody waited ${Math.round(longestMs)} ms`)
  for (const socket of sockets) socket.destroy()
  await eventually(async () => assert.ok((await gateway.files()) < filesBefore + 100), 10_000, 100)
})
