/**
 * Counts of messages and of the clients they come from.
 *
 * @module
 */
import { Counter, Gauge, type Registry } from 'prom-client'

/** Who sends, and who gets, as labels say it. */
export type MessageParty = 'client' | 'service' | 'door' | 'router'

export interface MessageCounts {
  /** A message came in. */
  came(from: MessageParty): void
  /** A message left for whoever it was for, or for their node. */
  left(to: MessageParty): void
  /** A message went nowhere, by a constant word. */
  failed(fault: string): void
  /** A message waits for a client that is away. */
  queued(): void
  /** Messages that were lost: a constant word says where. */
  dropped(cause: string, count?: number): void
  /** A socket of a client closed, by the code we closed it with; 0 when the client did. */
  closed(code: number): void
  /** Open sockets of clients, read whenever somebody asks for the metrics. */
  clientsOf(read: () => number): void
  /** Something of clients that resume, by a constant word. */
  resumed(event: string, times?: number): void
  /** What is kept for them, read whenever somebody asks for the metrics. */
  resumingOf(read: () => ResumingFigures): void
}

/** What is kept for clients that resume. */
export interface ResumingFigures {
  readonly here: number
  readonly unconfirmed: number
  readonly mostUnconfirmed: number
  readonly mailboxes?: { readonly boxes: number; readonly messages: number; readonly bytes: number }
}

export function createMessageCounts(registers: Registry[]): MessageCounts {
  /** Counts of what happens with every message are gathered here until somebody asks: to look a label up costs as much as to send. */
  const gathering = <Label extends string>(label: Label) => {
    const counts = new Map<string, number>()
    return {
      count: (value: string): void => void counts.set(value, (counts.get(value) ?? 0) + 1),
      give(counter: Counter<Label>): void {
        for (const [value, count] of counts) counter.inc({ [label]: value } as Record<Label, string>, count)
        counts.clear()
      },
    }
  }
  const came = gathering('from')
  const left = gathering('to')
  new Counter({
    name: 'hydra_messages_in_total',
    help: 'Messages that came, by who sent them',
    labelNames: ['from'],
    registers,
    collect() {
      came.give(this)
    },
  })
  new Counter({
    name: 'hydra_messages_out_total',
    help: 'Messages that were handed on, by who gets them',
    labelNames: ['to'],
    registers,
    collect() {
      left.give(this)
    },
  })
  const failed = new Counter({
    name: 'hydra_messages_failed_total',
    help: 'Messages that could not be brought where they were to go',
    labelNames: ['fault'],
    registers,
  })
  const queued = new Counter({
    name: 'hydra_messages_queued_total',
    help: 'Messages that were kept for clients that are away',
    registers,
  })
  const dropped = new Counter({
    name: 'hydra_messages_dropped_total',
    help: 'Messages that are lost, by where',
    labelNames: ['cause'],
    registers,
  })
  const closed = new Counter({
    name: 'hydra_message_clients_closed_total',
    help: 'Sockets of clients that closed, by the code we said; 0 when they went by themselves',
    labelNames: ['code'],
    registers,
  })
  const resumed = new Counter({
    name: 'hydra_message_sessions_total',
    help: 'Of clients that resume: messages appended and dropped, sessions begun, recovered or not, and how they ended',
    labelNames: ['event'],
    registers,
  })
  let readResuming: (() => ResumingFigures) | undefined
  const figure = (name: string, help: string, pick: (figures: ResumingFigures) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(readResuming ? pick(readResuming()) : 0)
      },
    })
  }
  figure('hydra_message_sessions', 'Clients that resume, with their socket at this node', ({ here }) => here)
  figure(
    'hydra_message_unconfirmed',
    'Messages these clients have not confirmed',
    ({ unconfirmed }) => unconfirmed,
  )
  figure(
    'hydra_message_unconfirmed_most',
    'Most of them of one client; at messages.keepMessages the oldest go',
    ({ mostUnconfirmed }) => mostUnconfirmed,
  )
  figure(
    'hydra_mailboxes',
    'Mailboxes kept in memory; 0 where a store keeps them',
    ({ mailboxes }) => mailboxes?.boxes ?? 0,
  )
  figure('hydra_mailbox_messages', 'Messages in them', ({ mailboxes }) => mailboxes?.messages ?? 0)
  figure('hydra_mailbox_bytes', 'Bytes of these', ({ mailboxes }) => mailboxes?.bytes ?? 0)
  let read = (): number => 0
  new Gauge({
    name: 'hydra_message_clients',
    help: 'Open sockets of clients',
    registers,
    collect() {
      this.set(read())
    },
  })
  return {
    came: came.count,
    left: left.count,
    failed: (fault) => failed.inc({ fault }),
    queued: () => queued.inc(),
    dropped: (cause, count = 1) => dropped.inc({ cause }, count),
    closed: (code) => closed.inc({ code }),
    clientsOf(reader) {
      read = reader
    },
    resumed: (event, times = 1) => resumed.inc({ event }, times),
    resumingOf(reader) {
      readResuming = reader
    },
  }
}
