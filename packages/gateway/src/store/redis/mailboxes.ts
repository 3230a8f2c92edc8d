/**
 * Mailboxes in Redis: of all nodes that share it.
 *
 * The keys of a mailbox have the hash tag of its group, so that a Cluster spreads them; each call is one script. A group
 * counts the hints each node was given for its mailboxes, in the same script that appends: a node compares some few counters
 * now and then, however many mailboxes it reads, and knows for certain whether it has to look at them. Texts are
 * sealed by a key made from the private one (`sealed-record.ts`): who shares the Redis reads no mail, and puts none into a
 * box. A message that was not sealed for its box is taken for one that is not there any more.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Log } from '../../observe/log.ts'
import { mailTopic } from '../mailboxes/hints.ts'
import { assertFacts, assertFits, makeMark, SAME_AMONG } from '../mailboxes/letters.ts'
import type { Mail, MailboxStore } from '../mailboxes/port.ts'
import { busChannel } from './bus.ts'
import type { RedisLine } from './port.ts'
import { readScript } from './script.ts'
import { createRecordSealer, nameOf } from './sealed-record.ts'

export interface RedisMailboxesDeps {
  readonly line: RedisLine
  /** The first seals, all open. */
  readonly privateKeys: readonly string[]
  /** Called for each message that is none of ours. */
  readonly onIgnored?: () => void
  readonly log: Pick<Log, 'warn'>
}

const scriptOf = (name: string) => readScript(name, 'mailbox.lua', `${name}.lua`)
const OPEN = scriptOf('mailbox-open')
const APPEND = scriptOf('mailbox-append')
const READ = scriptOf('mailbox-read')
const ACKNOWLEDGE = scriptOf('mailbox-acknowledge')
const LEAVE = readScript('mailbox-leave', 'mailbox-leave.lua')
const REMOVE = scriptOf('mailbox-remove')
const TOLD = readScript('mailbox-told', 'mailbox-told.lua')

/** As many slots of a Cluster as mailboxes are spread over. */
const GROUPS = 16

const LETTER = /^\d+ \d+ ([\w-]+) (.+)$/

export function createRedisMailboxes({
  line,
  privateKeys,
  onIgnored,
  log,
}: RedisMailboxesDeps): MailboxStore {
  const sealer = createRecordSealer(privateKeys, 'mail')
  const placeOf = (name: string, mark: string): string => `${name} ${mark}`
  const aboutOf = (name: string): string => `${name} about`
  const tagOf = (group: number): string => `${line.prefix}{mail-${group}}:`
  /** The last is the beginning of the keys under which hints are counted. */
  const keysOf = (name: string): [known: string, mail: string, told: string] => {
    const tag = tagOf(groupOf(name))
    return [`${tag}${name}:box`, `${tag}${name}:mail`, `${tag}told:`]
  }
  /** What a script needs to tell a reader: channels, group, box. */
  const tellArgs = (box: string, name: string): string[] => [
    ...[busChannel(line.prefix, mailTopic('')), String(groupOf(name)), box],
  ]
  let ignored = 0
  const ignore = (): undefined => {
    ignored++
    onIgnored?.()
    if (ignored === 1)
      log.warn(
        { store: line.place },
        'a message in a mailbox in Redis was not written by a gateway with one of our private keys; such are ignored',
      )
  }
  const openLetter = (name: string, offset: number, letter: string): Mail | undefined => {
    const [, mark, sealed] = LETTER.exec(letter) ?? []
    const opened = mark === undefined ? undefined : sealer.open(placeOf(name, mark), sealed!)
    return opened ? { offset, mark: mark!, text: opened.text } : ignore()
  }

  const openAbout = (name: string, sealed: string): string => {
    if (sealed === '') return ''
    return sealer.open(aboutOf(name), sealed)?.text ?? ignore() ?? ''
  }

  return {
    async open(box, keepMs, { about, reader } = {}) {
      assertFacts({ ...(about !== undefined && { about }), ...(reader !== undefined && { reader }) })
      const name = nameOf(box)
      // Numbers say which of the two were given: both may be empty.
      const args = [
        ...[randomUUID(), String(keepMs), ...tellArgs(box, name)],
        ...(about === undefined ? ['0', ''] : ['1', about && sealer.seal(aboutOf(name), about)]),
        ...(reader === undefined ? ['0', ''] : ['1', reader]),
      ]
      const reply = await line.run(OPEN, keysOf(name), args)
      const [epoch, offset, mark, sealed, before] = reply as [string, number, string, string, string]
      return { epoch, offset: Number(offset), mark, about: openAbout(name, sealed), reader: before }
    },
    async append(box, text, { most, mostBytes, keepMs }, options = {}) {
      const { mark = makeMark(), isForKnown = false, by = '' } = options
      // Under a mark that was made this moment nothing can be there.
      const sameAmong = options.mark === undefined ? 0 : SAME_AMONG
      const bytes = assertFits(text, mostBytes, mark)
      const name = nameOf(box)
      const sealed = sealer.seal(placeOf(name, mark), text)
      // One that has to be known does not begin anew.
      const epoch = isForKnown ? '' : randomUUID()
      const args = [
        ...[epoch, keepMs, ...tellArgs(box, name), mark, bytes, sealed, most, mostBytes, sameAmong],
        ...[isForKnown ? 1 : 0, by],
      ].map(String)
      const reply = await line.run(APPEND, keysOf(name), args)
      const [stood, offset, dropped, about, reader] = reply as [string, number, number, string, string]
      return {
        ...{ epoch: stood, offset: Number(offset), mark, dropped: Number(dropped) },
        ...{ about: openAbout(name, about), reader },
      }
    },
    async read(box, after, most) {
      const name = nameOf(box)
      const place = after ? [after.epoch, String(after.offset), after.mark] : []
      const reply = await line.run(READ, keysOf(name), [String(most), ...place])
      const [epoch, newest, isComplete, first, before, about, reader, ...letters] = reply as [
        ...[string, number, number, number, string, string, string],
        ...string[],
      ]
      const mail: Mail[] = []
      for (const [i, letter] of letters.entries()) {
        const opened = openLetter(name, Number(first) + i, letter)
        if (opened) mail.push(opened)
      }
      const isWhole = Number(isComplete) === 1 && mail.length === letters.length
      return {
        ...{ epoch, newest: Number(newest), mail, isComplete: isWhole },
        from: { offset: Number(first) - 1, mark: before },
        ...{ about: openAbout(name, about), reader },
      }
    },
    async acknowledge(box, { epoch, offset, mark }) {
      await line.run(ACKNOWLEDGE, keysOf(nameOf(box)), [epoch, String(offset), mark])
    },
    async leave(box, reader) {
      await line.run(LEAVE, keysOf(nameOf(box)), [reader])
    },
    async remove(box) {
      const name = nameOf(box)
      await line.run(REMOVE, keysOf(name), ['', '', ...tellArgs(box, name)])
    },
    async told(node) {
      const groups = Array.from({ length: GROUPS }, (_, group) => `${tagOf(group)}told:${node}`)
      return Promise.all(groups.map(async (key) => Number(await line.run(TOLD, [key], []))))
    },
    async close() {},
  }
}

/** By the first byte of the name, which is a hash in base64url: even. Read without a buffer, as every message asks. */
const groupOf = (name: string): number =>
  ((BASE64.indexOf(name[0]!) << 2) | (BASE64.indexOf(name[1]!) >> 4)) % GROUPS
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
