import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'

async function serviceThatAnswersAfter(
  t: TestContext,
  ms: number,
): Promise<{ url: string; asked: () => number; slow: () => number }> {
  let asked = 0
  let slow = 0
  const server = createServer((incoming, response) => {
    asked++
    incoming.resume()
    const isSlow = incoming.url === '/slow'
    if (isSlow) slow++
    const wait = isSlow ? 1500 : ms
    incoming.on('end', () => setTimeout(() => response.end('answered'), wait))
  }).listen(0, '127.0.0.1')
  const sockets = new WebSocketServer({ server })
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    slow: () => slow,
  }
}

interface Asked {
  readonly how: 'answered' | 'refused' | 'closed before a byte' | 'lost'
  readonly isLast?: boolean
}

/** Asks once, on a connection of the agent. */
function ask(url: string, agent: Agent, method: string): Promise<Asked> {
  return new Promise((resolve) => {
    const asking = request(url, { agent, method })
    asking.on('response', (response: IncomingMessage) => {
      const isLast = response.headers.connection === 'close'
      text(response).then(
        (body) =>
          resolve({ how: body === 'answered' && response.statusCode === 200 ? 'answered' : 'lost', isLast }),
        () => resolve({ how: 'lost' }),
      )
    })
    asking.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') resolve({ how: 'refused' })
      // What a client may repeat by itself: a connection it had kept was closed before anything came.
      else resolve({ how: asking.reusedSocket ? 'closed before a byte' : 'lost' })
    })
    asking.end(method === 'POST' ? 'some data' : undefined)
  })
}

test('a stop under load loses no request, and the answers of kept connections say that they are the last', async (t) => {
  const service = await serviceThatAnswersAfter(t, 5)
  const gateway = await startGatewayProcess(t, {
    logLevel: 'warn',
    services: { app: { url: service.url, routes: ['/app', '/slow'] } },
  })
  const outcomes: Asked[] = []
  let isOver = false
  const clients = Array.from({ length: 40 }, async (_, at) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    // Some ask without a pause, some have a connection that is idle now and then.
    const pauseMs = (at % 4) * 40
    while (!isOver) {
      const outcome = await ask(`${gateway.url}/app`, agent, at % 2 ? 'POST' : 'GET')
      outcomes.push(outcome)
      if (outcome.how === 'refused') break
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
    agent.destroy()
  })
  await eventually(() => assert.ok(outcomes.length > 400))
  const slow = ask(`${gateway.url}/slow`, new Agent(), 'GET')
  await eventually(() => assert.equal(service.slow(), 1))
  assert.equal(await gateway.stop(), 0)
  isOver = true
  await Promise.all(clients)
  const counts = Object.groupBy(outcomes, ({ how }) => how)
  assert.equal(counts.lost, undefined, JSON.stringify(counts.lost))
  // A connection that was asked on within the last second was still there when it was asked on again.
  assert.equal(counts['closed before a byte'], undefined)
  assert.equal((await slow).how, 'answered')
  assert.ok(outcomes.filter(({ isLast }) => isLast).length >= 30)
})

test('a stop that waits for a load balancer fails its probe first, and serves meanwhile', async (t) => {
  const service = await serviceThatAnswersAfter(t, 0)
  const gateway = await startGatewayProcess(t, {
    services: { app: { url: service.url, routes: ['/app'] } },
    http: { stopDelay: '1s' },
  })
  const stopped = gateway.stop()
  await eventually(async () => assert.equal((await fetch(`${gateway.url}/_hydra/ready`)).status, 503), 900)
  const fresh = new Agent()
  const { how, isLast } = await ask(`${gateway.url}/app`, fresh, 'GET')
  assert.equal(how, 'answered')
  assert.equal(isLast, true)
  const kept = new Agent({ keepAlive: true })
  assert.deepEqual(await ask(`${gateway.url}/app`, kept, 'GET'), { how: 'answered', isLast: false })
  kept.destroy()
  assert.equal(await stopped, 0)
})

test('WebSockets are told that the gateway restarts, while requests still run', async (t) => {
  const service = await serviceThatAnswersAfter(t, 0)
  const gateway = await startGatewayProcess(t, {
    services: { app: { url: service.url, routes: ['/slow'], sockets: ['/socket'] } },
  })
  const sockets = Array.from(
    { length: 20 },
    () => new WebSocket(`${gateway.url.replace('http', 'ws')}/socket`),
  )
  await Promise.all(sockets.map((socket) => once(socket, 'open')))
  const slow = ask(`${gateway.url}/slow`, new Agent(), 'GET')
  await eventually(() => assert.ok(service.asked() > 0))
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close')))
  const stopped = gateway.stop()
  assert.deepEqual(new Set((await closed).map(([code]) => code)), new Set([1012]))
  assert.equal((await slow).how, 'answered')
  assert.equal(await stopped, 0)
})

for (const workers of [1, 2]) {
  test(`while the last requests finish nobody is let in who would not be served (workers: ${workers})`, async (t) => {
    const service = await serviceThatAnswersAfter(t, 0)
    const gateway = await startGatewayProcess(t, {
      workers,
      services: { app: { url: service.url, routes: ['/slow'] } },
    })
    const slow = ask(`${gateway.url}/slow`, new Agent(), 'GET')
    await eventually(() => assert.equal(service.slow(), 1))
    const stopped = gateway.stop()
    const isDone = slow.then(() => true)
    await eventually(async () => assert.equal((await ask(gateway.url, new Agent(), 'GET')).how, 'refused'))
    assert.equal(await Promise.race([isDone, Promise.resolve(false)]), false)
    assert.equal((await slow).how, 'answered')
    assert.equal(await stopped, 0)
  })
}
