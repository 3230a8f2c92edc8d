/**
 * What was measured, as tables.
 *
 * @module
 */
import { compare, type Targets } from '../support/comparison.ts'
import type { Outcome } from '../support/part.ts'
import type { Measured } from '../support/rounds.ts'
import { CONNECTIONS, type LoadName } from './measure.ts'
import type { MeasuredIdle, PushFindings } from './measure-push.ts'

/** What an idle client of ours may take. */
const IDLE_KIB = 25
const IDLE_CLIENTS = 5000

const LOADS: Readonly<Record<LoadName, { title: string; unit: string; targets: Targets }>> = {
  http: {
    title: `Requests over HTTP to a \`hydra\` service, ${CONNECTIONS} connections`,
    unit: 'requests',
    targets: { 'hydra-router': [0.2, 0.12] },
  },
  ask: {
    title: `A message to a service and its answer, ${CONNECTIONS} WebSockets`,
    unit: 'answers',
    targets: {},
  },
  call: {
    title: `A message with \`[get]\` and its answer, ${CONNECTIONS} WebSockets`,
    unit: 'answers',
    targets: {},
  },
}

export function reportLoad(load: LoadName, measured: readonly Measured[], notes: readonly string[]): Outcome {
  const { title, unit, targets } = LOADS[load]
  const cpu = { column: 'CPU s/10 000', factor: 1 }
  const outcome = compare({ title, what: 'router', unit, cpu, ours: ['hydra'], targets }, measured)
  return { ...outcome, notes: [...outcome.notes, ...notes] }
}

export function reportPush({ pushes }: PushFindings, clients: number, notes: readonly string[]): Outcome {
  return {
    title: `One message to each of ${grouped(clients)} clients`,
    columns: ['pushed by', 'p50 ms', 'p99 ms', 'last ms', 'CPU µs/client, router', 'CPU µs/client, service'],
    rows: pushes.flatMap((push) =>
      'failure' in push || !('told' in push)
        ? []
        : [
            {
              cells: [
                push.way,
                push.told.p50.toFixed(0),
                push.told.p99.toFixed(0),
                push.lastMs.toFixed(0),
                push.routerMicros.toFixed(1),
                push.serviceMicros === 0 ? '–' : push.serviceMicros.toFixed(1),
              ],
            },
          ],
    ),
    notes: [
      'From just before the first message leaves its service to the bytes at a client; last: the median of the rounds. A socket.io server is router and service in one.',
      ...pushes.flatMap((push) =>
        push.failure === undefined ? [] : [`${push.way} is left out: ${push.failure}`],
      ),
      ...notes,
    ],
    data: pushes,
  }
}

export function reportIdle(
  idle: readonly MeasuredIdle[],
  clients: number,
  notes: readonly string[],
): Outcome {
  return {
    title: `${grouped(clients)} clients while nothing happens`,
    columns: ['router, clients', 'KiB/client', 'without garbage', 'CPU ms/s', 'MiB before'],
    rows: idle.map(({ who, openedKib, collectedKib, idleMs, beforeMiB }) => ({
      cells: [who, openedKib.toFixed(1), collectedKib.toFixed(1), idleMs.toFixed(1), beforeMiB.toFixed(0)],
      // Of fewer, each would bear more of what is there once.
      ...(who.startsWith('hydra,') && clients >= IDLE_CLIENTS
        ? { target: { text: `≤ ${IDLE_KIB} KiB`, isMet: openedKib <= IDLE_KIB } }
        : {}),
    })),
    notes: [
      'Resident memory of the router: before the clients came it had no garbage in which they could settle, and what opening them left behind is counted as theirs.',
      'CPU is that of five seconds, five after garbage was collected. Ours pings its clients in turn, each every 25 s; socket.io too, but all that came together at once, so that these seconds may miss it; hydra-router never does.',
      ...notes,
    ],
    data: idle,
  }
}

/** 100 000: with a gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
