import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { emptyDirectory, HYDRA, runHydra } from '../support/hydra.ts'
import { startProcess } from '../support/process.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'

/** Two configured instances of `desk`; what asks for `/desk/slow` waits. */
async function startDesk(t: TestContext) {
  const waiting: ServerResponse[] = []
  const upstreams = await Promise.all(
    ['a', 'b'].map((name) =>
      startUpstream(t, name, (request, response) => {
        if (request.url === '/desk/slow') waiting.push(response)
        else response.end(name)
      }),
    ),
  )
  const gateway = await startGateway(t, {
    services: {
      desk: {
        urls: upstreams.map(({ port }) => `http://127.0.0.1:${port}`),
        routes: ['/desk/**'],
      },
    },
  })
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: gateway.publicKey, HYDRA_PRIVATE_KEY: gateway.privateKey }
  const hydra = (...words: string[]) => runHydra([...words, '--gateway', gateway.url], { cwd, env })
  const instances = async () => (await gateway.admin('services')).services[0].instances as { id: string }[]
  return { gateway, hydra, cwd, env, waiting, instances, ports: upstreams.map(({ port }) => port) }
}

test('an instance is drained by its id, the beginning of it, or its address, and put back', async (t) => {
  const { gateway, hydra, instances, ports } = await startDesk(t)
  const [first] = await instances()
  const drained = await hydra('services', 'drain', 'desk', '--instance', first!.id.slice(0, 12))
  assert.deepEqual(
    [drained.status, drained.out, drained.err],
    [0, '1 instance of desk drains, nothing is left. desk is available.\n', ''],
  )
  const listed = await hydra('services', '--instances')
  assert.match(listed.out, /● available +desk +1 of 2/)
  assert.match(listed.out, /◒ draining .*an operator drains it; nothing left/)

  const both = await hydra('services', 'drain', 'desk')
  assert.equal(
    both.out,
    '2 instances of desk drain, nothing is left. Nobody else serves desk: visitors get its fallback.\n',
  )
  assert.equal((await fetch(`${gateway.url}/desk/x`)).status, 503)
  assert.match((await hydra('services')).out, /0 of 1 service serves; desk is draining since /)

  for (const [said, rest] of [
    [`127.0.0.1:${ports[0]}`, 'desk is available.'],
    [`http://127.0.0.1:${ports[1]}`, 'desk is available.'],
  ] as const) {
    const resumed = await hydra('services', 'resume', 'desk', '--instance', said)
    assert.deepEqual([resumed.status, resumed.out], [0, `1 instance of desk is in rotation. ${rest}\n`])
  }
  assert.match((await hydra('services')).out, /desk +2 of 2/)
  const json = JSON.parse((await hydra('services', 'resume', 'desk', '--json')).out)
  assert.deepEqual([json.service, json.state, json.instances.length], ['desk', 'available', 2])
})

test('a drain can be waited for: until nothing is left, or the time is over', async (t) => {
  const { gateway, hydra, cwd, env, waiting } = await startDesk(t)
  const asked = fetch(`${gateway.url}/desk/slow`)
  await eventually(() => assert.equal(waiting.length, 1))
  const over = await hydra('services', 'drain', 'desk', '--wait', '0.2')
  assert.equal(over.status, 1)
  assert.match(over.out, /^2 instances of desk drain, 1 request is left\. .*\n1 request is left\.\n$/)
  const words = ['services', 'drain', 'desk', '--wait', '20', '--gateway', gateway.url]
  const draining = startProcess(t, { args: [HYDRA, ...words], cwd, env })
  await draining.printed(/1 request is left\./)
  waiting[0]!.end('done')
  assert.equal(await (await asked).text(), 'done')
  assert.equal(await draining.exited, 0, draining.output())
  assert.match(draining.output(), /\nNothing is left\.\n$/)
})

test('slips are said as such, and nothing is drained', async (t) => {
  const { hydra, instances } = await startDesk(t)
  for (const [words, status, said] of [
    [['drain', 'dest'], 1, /No service is called dest; did you mean desk/],
    [
      ['drain', 'desk', '--instance', 'nobody'],
      1,
      /desk has no instance nobody; there are [0-9a-z-]{8} at http/,
    ],
    [['drain', 'desk', '--instance', ''], 2, /--instance needs a value/],
    [['drain', 'desk', '--wait', 'long'], 2, /--wait is "long"; write seconds/],
    [['drain', 'desk', '--wait', '999999'], 2, /--wait/],
    [['drain'], 2, /name/i],
    [['resume', 'desk', '--wait', '3'], 2, /wait/],
  ] as const) {
    const answer = await hydra('services', ...words)
    assert.equal(answer.status, status, `${words}: ${answer.err}`)
    assert.match(answer.err, said)
  }
  for (const one of (await instances()) as any[]) assert.equal(one.state, 'available')
})

test('whoever waits for a drain is told that other nodes may have begun something as well', async (t) => {
  const { url } = await startRedis(t)
  const { port } = await startUpstream(t, 'desk')
  const config = {
    redis: { url },
    services: { desk: { url: `http://127.0.0.1:${port}`, routes: ['/desk/**'] } },
  }
  const one = await startGatewayProcess(t, config)
  const { publicKey, privateKey } = one
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey }
  const words = ['services', 'drain', 'desk', '--wait', '5', '--gateway', one.url]
  assert.match((await runHydra(words, { cwd, env })).out, /\nNothing is left\.\n$/)

  await startGatewayProcess(t, config, { publicKey, privateKey })
  await eventually(async () => assert.equal((await one.admin('nodes')).nodes.length, 2))
  const { out } = await runHydra(words, { cwd, env })
  assert.match(
    out,
    /\nNothing is left\.\nWhat runs through another node is not counted; ask there too, with --gateway\.\n$/,
  )
})
