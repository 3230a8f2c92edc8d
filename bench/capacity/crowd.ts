/**
 * Many instances in one process, each with a line of its own to a gateway: those of the SDK, as services have them.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect, type HydraService } from '@hydra-gateway/sdk'
import { KEYS } from '../support/hydra.ts'
import { AT_ONCE, type CrowdJob } from './crowd-job.ts'

const opened: { service: HydraService; end: () => void }[] = []
let made = 0

process.on('message', (job: CrowdJob) => {
  void answer(job).then(
    () => process.send!({}),
    (error) => process.send!({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send!({})

async function answer(job: CrowdJob): Promise<void> {
  if (job.what === 'close') {
    const all = opened.splice(0)
    await Promise.all(all.map(({ service }) => service.close({ forget: true })))
    for (const { end } of all) end()
    return
  }
  const { ports, count, instancesEach, routesEach, prefix = 's' } = job
  for (let i = 0; i < count; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) => {
      const index = made + i + j
      return open(`${prefix}${Math.floor(index / instancesEach)}`, ports[index % ports.length]!, routesEach)
    })
    opened.push(...(await Promise.all(some)))
  }
  made += count
}

async function open(name: string, gatewayPort: number, routesEach: number) {
  const server = createServer((_request, response) => void response.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const service = await connect({
    ...KEYS,
    name,
    port,
    gateway: `http://127.0.0.1:${gatewayPort}`,
    routes: Array.from({ length: routesEach }, (_, i) => `/${name}/pages/${i}/{id}`),
    menu: [{ path: `/${name}/pages/0/1`, label: name }],
    log: false,
    signals: false,
  })
  await service.ready
  return { service, end: () => server.close() }
}
