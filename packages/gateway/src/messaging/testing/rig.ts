/**
 * A node with messaging, for tests: a real listener, real sockets, a real table; services that take messages are functions
 * that keep them.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import { networkOf } from '../../address/network.ts'
import { parseConfig } from '../../config.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { answerProblem } from '../../pages/local-problem.ts'
import { type SiteService, siteTable } from '../../proxy/testing/flywheel-site.ts'
import { type Rig, type RigOptions, startRig } from '../../proxy/testing/rig.ts'
import type { Instance } from '../../routing/upstream.ts'
import { messagesSlice, routerSlice } from '../../slices.ts'
import { createMemoryBus } from '../../store/bus/memory.ts'
import type { Bus } from '../../store/bus/port.ts'
import { createMemoryMailboxes } from '../../store/mailboxes/memory.ts'
import type { MailboxStore } from '../../store/mailboxes/port.ts'
import { plainId } from '../addressed.ts'
import { createMessaging, type Messaging, type MessagingDeps } from '../messaging.ts'
import type { InstanceCarrier, Sender } from '../port.ts'
import type { MessageSettings, RouterSettings } from '../settings.ts'

export interface Delivered {
  readonly instance: Instance
  readonly message: UmfMessage
  readonly sender: Sender | undefined
}

export interface MessagingRig extends Rig {
  readonly messaging: Messaging
  readonly routerId: string
  /** For sockets. */
  readonly socketUrl: string
  /** What services got, in order. */
  readonly delivered: readonly Delivered[]
  /** Answers a message as a service does, by its `via`. */
  reply(to: Delivered, body: unknown): Promise<unknown>
  counted(metric: string): Promise<number>
}

export interface MessagingRigOptions {
  readonly services?: Readonly<Record<string, SiteService>>
  readonly settings?: Partial<MessageSettings>
  readonly router?: Partial<RouterSettings>
  readonly proxy?: RigOptions['settings']
  readonly identity?: MessagingDeps['identity']
  readonly cluster?: TestCluster
  /** Whether a service has a message; false: nobody is there. @default all of them */
  readonly take?: (delivered: Delivered) => boolean | Promise<boolean>
  readonly more?: Partial<MessagingDeps>
}

/** What nodes share. */
export interface TestCluster {
  readonly bus: Bus
  readonly mailboxes: MailboxStore
  /** Ids of the routers that are there. */
  readonly routers: Set<string>
}

let made = 0

/** As it is when nobody sets anything. */
const config = parseConfig({})

export function testCluster(): TestCluster {
  return {
    bus: createMemoryBus(),
    mailboxes: createMemoryMailboxes({ clock: systemClock }),
    routers: new Set(),
  }
}

export async function startMessaging(
  t: TestContext,
  options: MessagingRigOptions = {},
): Promise<MessagingRig> {
  const { services = {}, cluster, take = () => true } = options
  const routerId = (++made).toString(16).padStart(32, 'a')
  const delivered: Delivered[] = []
  const carrier: InstanceCarrier = {
    carries: () => true,
    async deliver(instance, message, sender) {
      const one = { instance, message, sender }
      if (!(await take(one))) {
        const { MessageProblem } = await import('../port.ts')
        throw new MessageProblem('no-instance', `Instance ${plainId(instance.id)} is not available`)
      }
      delivered.push(one)
    },
  }
  let messaging: Messaging | undefined
  // Sockets are ended before their listener, which would wait for them.
  const ends: (() => unknown)[] = [() => messaging?.close()]
  t.after(async () => {
    for (const end of ends) await end()
  })
  const rig = await startRig({ after: (end: () => unknown) => void ends.push(end) } as TestContext, {
    table: siteTable(services),
    settings: options.proxy ?? {},
    sockets: {
      takes: (path) => messaging!.takes(path),
      accept: (exchange) => messaging!.accept(exchange),
    },
  })
  cluster?.routers.add(routerId)
  messaging = createMessaging({
    settings: { ...messagesSlice(config), ...options.settings },
    router: { ...routerSlice(config), ...options.router },
    origins: { allowedOrigins: [], publicUrl: undefined },
    routerId,
    privateKeys: ['a private key of this test'],
    table: () => rig.live.table,
    vitals: rig.vitals,
    requests: rig.forwarder.own,
    identity: options.identity,
    permit: () => undefined,
    carriers: () => [carrier],
    mailboxes: cluster?.mailboxes ?? createMemoryMailboxes({ clock: systemClock }),
    bus: cluster?.bus,
    isRouterThere: cluster && ((router) => cluster.routers.has(router)),
    isReserved: (path) => path.startsWith('/_hydra/') || path.startsWith('/h/'),
    networkOf,
    refuse: (exchange, { code, detail, headers }) => answerProblem(exchange, code, detail, headers),
    random: Math.random,
    clock: systemClock,
    log: createLog('silent'),
    metrics: rig.metrics,
    ...options.more,
  })
  const open = messaging
  return {
    ...rig,
    messaging,
    routerId,
    socketUrl: `${rig.url.replace('http', 'ws')}/_hydra/socket`,
    delivered,
    reply({ instance, message }, body) {
      const { via, to, mid } = message
      return open.messenger.send(
        {
          to: via!,
          from: to,
          via: via!,
          rmid: mid,
          mid: `reply-${mid}`,
          timestamp: new Date().toISOString(),
          version: 'UMF/1.4.6',
          body,
        },
        { kind: 'service', service: instance.service, instance: instance.id },
      )
    },
    async counted(metric) {
      const { body } = await rig.metrics.text()
      const lines = body.split('\n').filter((line) => line.startsWith(metric))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
  }
}

/** A service sends a message to a client, by its id; resolves with what became of it. */
export const push = ({ messaging }: MessagingRig, client: string, body: unknown, to = 'hydra-router:/') =>
  messaging.messenger.send(
    {
      to,
      forward: `${client}@client:/`,
      from: 'orders:/',
      mid: `push-${JSON.stringify(body)}`,
      timestamp: '2026-01-01T00:00:00.000Z',
      version: 'UMF/1.4.6',
      type: 'news',
      body,
    },
    { kind: 'service', service: 'orders', instance: 'orders-1' },
  )

/** A bus on which nobody hears of clients that a node says came and left, until that arrives. */
export function withLateNews(bus: Bus) {
  const late: (readonly [topic: string, text: string])[] = []
  let isLate = true
  const slow: Bus = {
    ...bus,
    async publish(topic, text) {
      if (isLate && text.includes('"news"')) late.push([topic, text])
      else await bus.publish(topic, text)
    },
  }
  return {
    bus: slow,
    /** What was said so far. */
    late,
    async arrive() {
      isLate = false
      for (const [topic, text] of late) await bus.publish(topic, text)
    },
  }
}
