import { makeCertificate, startRedis } from '../../../../../test/support/redis.ts'
import { instanceContractAt, sharedServers } from './testing/line.ts'

instanceContractAt(
  'redis with TLS and the least rights',
  sharedServers(async (t) => {
    const tls = makeCertificate(t)
    const { url } = await startRedis(t, { tls, user: { name: 'gateway', password: 'p@ss' } })
    return { url, ca: tls.ca }
  }),
)
