/**
 * For tests of clients that resume: nodes that share mailboxes, and clients that write down what they are handed.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { parseAt, type SessionOpened, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Caller } from '../../../identity/port.ts'
import { createSealer } from '../../../identity/sealing.ts'
import { systemClock } from '../../../observe/clock.ts'
import { createLog } from '../../../observe/log.ts'
import type { Bus } from '../../../store/bus/port.ts'
import type { MailboxStore } from '../../../store/mailboxes/port.ts'
import { ALWAYS_REACHABLE, type Reach } from '../../../store/reach.ts'
import { StoreAway } from '../../../store/redis/port.ts'
import { createClientIds } from '../../client-ids.ts'
import type { ClientLine, ClientSession } from '../../client-session.ts'
import { createRouterWords } from '../../router-words.ts'
import type { SessionRate } from '../../session-rate.ts'
import type { ResumeEvent, ResumeIdentity, ResumeSettings, ResumingClients } from '../port.ts'
import { createResuming } from '../resuming.ts'

/** Sign-ins that tests end. */
export function createTestIdentity() {
  const over = new Set<string>()
  const listeners: (() => void)[] = []
  const logins = new Map<string, Caller>()
  const isRevoked: ResumeIdentity['isRevoked'] = ({ revocableAs }) => revocableAs.some((key) => over.has(key))
  const isOver: ResumeIdentity['isOver'] = (owner) => isRevoked(owner) || owner.sessionEndsAt <= Date.now()
  const identity: ResumeIdentity = {
    isRevoked,
    isOver,
    hasEnded: async (owner) => isOver(owner),
    endsAt: () => undefined,
    verify: (login) => logins.get(login),
    onEnds: (listener) => void listeners.push(listener),
  }
  return {
    identity,
    logins,
    /** `tell: false`: nobody hears of it before they look. */
    revoke(key: string, { tell = true } = {}) {
      over.add(key)
      if (tell) for (const listener of listeners) listener()
    },
  }
}

export const callerNamed = (sid: string, more: Partial<Caller> = {}): Caller =>
  ({
    ...{ sid, startedAt: 1, sessionEndsAt: Date.now() + 3_600_000, expiresAt: Date.now() + 3_600_000 },
    ...{ identities: [], providers: [], revocableAs: [`session:${sid}`], token: `jwt ${sid}` },
    ...more,
  }) as unknown as Caller

export interface TestNode {
  readonly resuming: ResumingClients
  readonly counted: Map<ResumeEvent, number>
  /** Ends it as SIGKILL does: nobody is told. */
  kill(): void
}

export function openNode({
  mailboxes,
  bus,
  reach = ALWAYS_REACHABLE,
  identity = createTestIdentity().identity,
  settings = {},
  mayBegin,
  privateKeys = ['a private key'],
}: {
  readonly mailboxes: MailboxStore
  readonly bus: Bus
  readonly reach?: Reach
  readonly identity?: ResumeIdentity
  readonly settings?: Partial<ResumeSettings>
  readonly mayBegin?: SessionRate
  readonly privateKeys?: readonly string[]
}): TestNode {
  const counted = new Map<ResumeEvent, number>()
  const routerId = randomUUID().replaceAll('-', '')
  let isAlive = true
  const hears: Pick<Bus, 'listen'> = {
    listen: (topic, onMessage) => bus.listen(topic, (text) => void (isAlive && onMessage(text))),
  }
  const gone = (): Promise<never> => Promise.reject(new StoreAway('killed'))
  const resuming = createResuming({
    node: routerId,
    mailboxes: new Proxy(mailboxes, {
      get: (of, name: keyof MailboxStore) => (isAlive || name === 'usage' ? of[name] : gone),
    }),
    bus: hears,
    reach,
    ids: createClientIds(privateKeys),
    words: createRouterWords({ routerId, now: Date.now, newId: randomUUID }),
    sealer: createSealer(privateKeys, 'resume'),
    identity,
    settings: {
      ...{ keepMessages: 1000, keepBytes: 2 ** 20, keepMs: 60_000, maxBehindBytes: 2 ** 20, lookEveryMs: 50 },
      keepUnusedMs: settings.keepMs ?? 60_000,
      ...settings,
    },
    mayBegin,
    clock: systemClock,
    newId: randomUUID,
    log: createLog('silent'),
    count: (event, by = 1) => void counted.set(event, (counted.get(event) ?? 0) + by),
  })
  const kill = (): void => {
    isAlive = false
  }
  return { resuming, counted, kill }
}

interface Frame {
  readonly typ?: string
  readonly at?: string
  readonly rmid?: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent
  readonly bdy: any
}

/** A client as `@hydra-gateway/sdk/socket` is one, without a socket. */
export function createTestClient() {
  /** What an application was given, and where it was told that something is missing. */
  const handed: (string | { readonly lost: number | undefined })[] = []
  const frames: Frame[] = []
  /** Messages that did not follow the one before. */
  const jumps: string[] = []
  let token: string | undefined
  let epoch = ''
  let at = ''
  let line: (ClientLine & { cut(): void; flush(): void }) | undefined
  let session: ClientSession | undefined
  let closed: number | undefined
  /** Frames of a line the system has not taken. */
  let isStalled = false
  const client = {
    handed,
    frames,
    jumps,
    get closed() {
      return closed
    },
    get session() {
      return session
    },
    get token() {
      return token
    },
    set isStalled(is: boolean) {
      isStalled = is
      if (!is) line?.flush()
    },
    async connect(
      { resuming }: Pick<TestNode, 'resuming'>,
      caller?: Caller,
      body: Record<string, unknown> = {},
    ): Promise<SessionOpened | { error: string }> {
      closed = undefined
      let isOpen = true
      let waiting: [text: string, onSettled: ((isSent: boolean) => void) | undefined][] = []
      const own: ClientLine & { cut(): void; flush(): void } = {
        address: '127.0.0.1',
        get isOpen() {
          return isOpen
        },
        get behindBytes() {
          return waiting.reduce((sum, [text]) => sum + text.length, 0)
        },
        send(text, onSettled) {
          if (!isOpen) return false
          waiting.push([text, onSettled])
          // It may have been stalled since.
          if (!isStalled) setImmediate(() => isStalled || own.flush())
          return true
        },
        flush() {
          const all = waiting
          waiting = []
          for (const [text, onSettled] of all) {
            if (isOpen || line === own) client.receive(text)
            onSettled?.(true)
          }
        },
        close(code) {
          // What was sent before the goodbye arrives before it.
          if (!isStalled) own.flush()
          if (line === own) closed = code
          isOpen = false
        },
        cut() {
          isOpen = false
          waiting = []
        },
      }
      line = own
      const ask = { ...(token && { token, epoch, at }), ...body }
      const frame = { to: 'hydra-router:/', from: 'client:/', type: 'session', body: ask, mid: randomUUID() }
      const began = await resuming.begin(own, { ...frame, timestamp: '', version: '' } as UmfMessage, {
        caller,
        address: '127.0.0.1',
      })
      own.flush()
      if (line === own) session = began
      return frames.findLast(({ typ, rmid }) => typ === 'session' && rmid === frame.mid)?.bdy
    },
    receive(text: string): void {
      const frame = JSON.parse(text) as Frame
      frames.push(frame)
      const { bdy } = frame
      if (frame.typ === 'session' && !bdy.error) {
        if (!bdy.recovered && token) handed.push({ lost: bdy.lost })
        ;({ token, epoch, at } = bdy)
      } else if (frame.typ === 'lost') {
        handed.push({ lost: bdy.lost })
        ;({ epoch, at } = bdy)
      } else if (frame.at) {
        if (parseAt(frame.at)!.offset !== parseAt(at)!.offset + 1) jumps.push(`${at} ${frame.at}`)
        at = frame.at
        handed.push(bdy.text)
      }
    },
    /** Confirms what it has. */
    ack(): void {
      void session?.takes?.({ type: 'ack', body: { at }, mid: '' } as unknown as UmfMessage)
    },
    say(type: string, body: unknown = {}) {
      return session?.takes?.({ type, body, mid: 'm-1' } as unknown as UmfMessage)
    },
    /** The line breaks; what was on its way is lost. */
    cut(): void {
      line?.cut()
      const gone = session
      session = undefined
      gone?.gone()
    },
    get offset() {
      return parseAt(at)?.offset
    },
  }
  return client
}

export const messageOf = (text: string): UmfMessage => ({
  ...{ to: 'x@client:/', from: 'orders:/', mid: randomUUID(), timestamp: 'now', version: 'UMF/1.4.6' },
  body: { text },
})
