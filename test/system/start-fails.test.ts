import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '@hydra-gateway/gateway'
import { startGateway } from '../support/gateway.ts'

test('a gateway whose port is taken leaves nothing running', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const running = new Set<object>()
  const clock = {
    ...systemClock,
    every(ms: number, run: () => void) {
      const mark = {}
      running.add(mark)
      const stop = systemClock.every(ms, run)
      return () => {
        running.delete(mark)
        stop()
      }
    },
  }
  const { port } = taken.address() as AddressInfo
  await assert.rejects(startGateway(t, { port }, { clock }), { code: 'EADDRINUSE' })
  assert.equal(running.size, 0)
})
