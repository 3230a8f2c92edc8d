/**
 * A service with the unmodified `hydra` from npm: `flywheel.ts REDIS_URL`. Says `{}` when its routes are registered.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { ASK, type PushJob, REPLY, ROUTE, SERVICE } from '../job.ts'
import { serveAnswers } from './http.ts'
import { listenForPushes } from './push.ts'

/** What is used of the library, which has no types. */
interface Hydra {
  init(config: object): Promise<unknown>
  registerService(): Promise<unknown>
  registerRoutes(routes: readonly string[]): Promise<unknown>
  on(event: 'message', listener: (message: { readonly typ?: string }) => void): void
  createUMFMessage(message: object): object
  sendReplyMessage(to: object, message: object): Promise<unknown>
  sendMessage(message: object): Promise<unknown>
}

/** Its look-ups of who is there are kept for three seconds; before that each message makes one. */
const AT_ONCE = 64

const [, , redisUrl = ''] = process.argv
const hydra = createRequire(import.meta.url)('hydra') as Hydra
const port = await serveAnswers()
await hydra.init({
  hydra: {
    serviceName: SERVICE,
    serviceIP: '127.0.0.1',
    servicePort: String(port),
    serviceType: 'bench',
    serviceDescription: 'answers, and pushes',
    serviceVersion: '1.0.0',
    redis: { url: redisUrl },
  },
})
await hydra.registerService()
await hydra.registerRoutes([`[get]${ROUTE}`])
hydra.on('message', (message) => {
  if (message.typ === ASK) void hydra.sendReplyMessage(message, hydra.createUMFMessage({ body: REPLY }))
})
listenForPushes(AT_ONCE, (id, { router, body }: PushJob) =>
  hydra.sendMessage(
    hydra.createUMFMessage({
      to: `${router}@hydra-router:/`,
      from: `${SERVICE}:/`,
      forward: `${id}@client:/`,
      type: 'news',
      body,
    }),
  ),
)
process.send!({})
