/**
 * What was found as tables: messages under faults, and how much was ever kept.
 *
 * @module
 */
import type { Verdict } from '../../test/messages/soak/model.ts'
import { KEPT, type SoakResult } from '../../test/messages/soak/run.ts'
import type { Part, PartRow } from '../support/part.ts'

export interface Schedule {
  readonly name: 'keeps' | 'forgets'
  readonly title: string
  readonly isForgetful: boolean
}

export const SCHEDULES: readonly Schedule[] = [
  { name: 'keeps', title: 'Redis keeps what it knew', isForgetful: false },
  { name: 'forgets', title: 'Redis comes back empty, too', isForgetful: true },
]

export function partsOf(
  found: readonly (readonly [Schedule, SoakResult])[],
  minutes: number,
): readonly Part[] {
  const messages: Part = {
    name: 'message-faults',
    title: `Messages while everything is killed, ${minutes} min each`,
    columns: [
      'schedule',
      'clients',
      'pushes taken',
      'unknown',
      'handed over',
      'missing, told',
      'missing, not told',
      'twice',
      'another order',
      'late',
    ],
    rows: found.flatMap(([{ title }, { resuming, classic, faults }]) => [
      {
        cells: [`${title}: clients that resume`, ...cellsOf(resuming)],
        target: { text: 'not told, twice, another order: 0', isMet: faults.length === 0 },
      },
      { cells: [`${title}: clients of the classic protocol`, ...cellsOf(classic)] },
    ]),
    notes: [
      '“Unknown”: the sender was told that it failed, or was killed before it knew; it may be there or not. “Late”: such a one, handed over after the next.',
      '“Told”: the client heard, in the place of the gap, that messages are missing: its mailbox was full, or Redis had forgotten it.',
      'Nothing is promised of clients of the classic protocol while their line breaks; the original promises nothing either.',
    ],
    data: found,
    seconds: 0,
  }
  const questions: Part = {
    name: 'questions',
    title: 'Questions, limits and faults',
    columns: [
      'schedule',
      'faults',
      'lines cut',
      'back, whole',
      'back, told',
      'questions',
      'answered',
      'told that they failed',
      'wrong or asked twice',
      'longest mailbox',
      'largest mailbox, KiB',
      'largest node, MiB',
    ],
    rows: found.map(([{ title }, result]) => questionRow(title, result)),
    notes: [
      `Mailboxes keep at most ${KEPT.messages} messages and ${KEPT.bytes / 1024} KiB here, so that they fill.`,
      ...found.map(
        ([{ title }, { done, seed }]) =>
          `${title}, seed ${seed}: ${Object.entries(done)
            .map(([name, times]) => `${name} ${times} times`)
            .join(', ')}.`,
      ),
      ...found.map(
        ([
          { title },
          {
            unmodified: { sent, handed, twice },
          },
        ]) =>
          `${title}: an unmodified service pushed ${grouped(sent)} messages by a router of its choice; ${grouped(handed)} arrived, ${twice} twice. Its library does not hear what becomes of one.`,
      ),
    ],
    data: undefined,
    seconds: 0,
  }
  return [messages, questions]
}

function cellsOf({
  taken,
  unknown,
  handed,
  told,
  missing,
  twice,
  reordered,
  late,
  clients,
}: Verdict): string[] {
  return [clients, taken, unknown, handed, told, missing, twice, reordered, late].map(grouped)
}

function questionRow(title: string, { counts, done, askedTwice, bounds }: SoakResult): PartRow {
  const faults = Object.values(done).reduce((sum, times) => sum + times, 0)
  const failed = counts.asked - counts.answered - counts.wrong - counts.pending
  return {
    cells: [
      title,
      ...[faults, counts.cuts, counts.recovered, counts.notRecovered].map(grouped),
      ...[counts.asked, counts.answered, failed, counts.wrong + askedTwice].map(grouped),
      ...[bounds.boxMessages, Math.ceil(bounds.boxBytes / 1024), bounds.rssMiB].map(grouped),
    ],
    target: {
      text: `wrong, twice: 0; mailbox ≤ ${KEPT.messages}, ${KEPT.bytes / 1024} KiB`,
      isMet:
        counts.wrong + askedTwice + counts.pending === 0 &&
        bounds.boxMessages <= KEPT.messages &&
        bounds.boxBytes <= KEPT.bytes,
    },
  }
}

/** 100 000: with a thin gap every three digits. */
function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
