/**
 * Hints that a mailbox has something new for its reader, as they go over the bus: `group count offset box`. The count grows
 * by one with each hint a node is given for boxes of a group, so that a missing one shows.
 *
 * @module
 */

export interface MailHint {
  readonly group: number
  readonly count: number
  /** Of the newest message; 0 where it is something else than a message. */
  readonly offset: number
  readonly box: string
}

const HINT = /^(\d{1,4}) (\d{1,16}) (\d{1,16}) (.*)$/s

/** Topic of the bus on which a node hears of its mailboxes. */
export const mailTopic = (node: string): string => `mail:${node}`

/** Undefined when it is none. */
export function parseMailHint(text: string): MailHint | undefined {
  const [, group, count, offset, box] = HINT.exec(text) ?? []
  if (box === undefined) return undefined
  return { group: Number(group), count: Number(count), offset: Number(offset), box }
}

/** The node of a reader; undefined when there is none. */
export function nodeOf(reader: string): string | undefined {
  const space = reader.indexOf(' ')
  return space > 0 ? reader.slice(0, space) : undefined
}
