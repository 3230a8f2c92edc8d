/**
 * Mailboxes in memory: of one process, gone with it.
 *
 * All together are bounded as well: those that nobody has written to or opened for the longest time go first, those that
 * somebody reads now last, and who comes back to one finds that it began anew.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Bus } from '../bus/port.ts'
import { mailTopic, nodeOf } from './hints.ts'
import { assertFacts, assertFits, makeMark, SAME_AMONG } from './letters.ts'
import type { Mail, MailboxFacts, MailboxStore, MailPlace } from './port.ts'

/** Of all mailboxes together. */
export interface MailboxLimits {
  /** @default 100000 */
  readonly mostBoxes: number
  /** Of all their messages. @default 256 MiB */
  readonly mostBytes: number
}

export interface MemoryMailboxesDeps extends Partial<MailboxLimits> {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Where readers are told, when another handle appends. */
  readonly bus?: Pick<Bus, 'publish'>
  readonly log?: Pick<Log, 'warn'>
}

/** Mailboxes that are read now, and passed over at a time when room is made. */
const MOST_PASSED = 1024

interface Letter extends Mail {
  readonly bytes: number
  readonly at: number
}

interface Box {
  readonly epoch: string
  newest: number
  letters: Letter[]
  bytes: number
  /** Mark of the last message that is not there any more. */
  before: string
  keepMs: number
  /** When something was appended, or somebody opened it. */
  usedAt: number
  about: string
  reader: string
}

export function createMemoryMailboxes({
  clock,
  mostBoxes = 100_000,
  mostBytes: mostOfAll = 256 * 1024 * 1024,
  bus,
  log,
}: MemoryMailboxesDeps): MailboxStore {
  /** The one that was not used for the longest time comes first. */
  const boxes = new Map<string, Box>()
  let bytesOfAll = 0
  let lettersOfAll = 0
  let evicted = 0

  const dropFirst = (box: Box): void => {
    const { bytes, mark } = box.letters.shift()!
    box.bytes -= bytes
    bytesOfAll -= bytes
    lettersOfAll--
    box.before = mark
  }
  const drop = (name: string, box: Box): void => {
    bytesOfAll -= box.bytes
    lettersOfAll -= box.letters.length
    boxes.delete(name)
  }
  /** Whole milliseconds, which take no memory of their own. */
  const nowMs = (): number => Math.trunc(clock.monotonic())
  const isOver = ({ usedAt, keepMs }: Box, now: number): boolean => usedAt + keepMs <= now
  /** A mailbox without what is too old; undefined when there is none. */
  const current = (name: string, now = nowMs()): Box | undefined => {
    const box = boxes.get(name)
    if (!box) return undefined
    if (isOver(box, now)) {
      drop(name, box)
      return undefined
    }
    const oldest = now - box.keepMs
    while (box.letters[0] && box.letters[0].at <= oldest) dropFirst(box)
    return box
  }
  /** A mailbox, the one `current` found or another one, that is used from now on. */
  const use = (name: string, found: Box | undefined, keepMs: number, now: number): Box => {
    const box = found ?? {
      ...{ epoch: randomUUID(), newest: 0, letters: [], bytes: 0, before: '', keepMs, usedAt: now },
      ...{ about: '', reader: '' },
    }
    box.keepMs = keepMs
    box.usedAt = now
    boxes.delete(name)
    boxes.set(name, box)
    return box
  }
  const makeRoom = (now: number): void => {
    let passed = 0
    for (const [name, box] of boxes) {
      const isTooMuch = boxes.size > mostBoxes || bytesOfAll > mostOfAll
      if (!isTooMuch && !isOver(box, now)) return
      if (boxes.size === 1) return
      // Who makes many and leaves them takes none away from those who are connected.
      if (box.reader !== '' && !isOver(box, now) && passed < Math.min(boxes.size, MOST_PASSED)) {
        passed++
        boxes.delete(name)
        boxes.set(name, box)
        continue
      }
      drop(name, box)
      if (isTooMuch && ++evicted === 1)
        log?.warn(
          { boxes: boxes.size, bytes: bytesOfAll },
          'there are too many mailboxes: the oldest of them go',
        )
    }
  }
  const newestOf = ({ epoch, newest, letters, before }: Box): MailPlace => ({
    epoch,
    offset: newest,
    mark: letters.at(-1)?.mark ?? before,
  })
  /** Whether everything after a place is there. */
  const isKnown = ({ epoch, newest, letters, before }: Box, { offset, ...place }: MailPlace): boolean => {
    const first = newest - letters.length + 1
    if (place.epoch !== epoch || offset < first - 1 || offset > newest) return false
    return place.mark === (offset === first - 1 ? before : letters[offset - first]!.mark)
  }

  const factsOf = ({ about, reader }: Box): MailboxFacts => ({ about, reader })
  const tell = (reader: string, offset: number, name: string, by?: string): void => {
    const node = nodeOf(reader)
    if (node !== undefined && node !== by) void bus?.publish(mailTopic(node), `0 0 ${offset} ${name}`)
  }

  return {
    async open(name, keepMs, { about, reader } = {}) {
      assertFacts({ ...(about !== undefined && { about }), ...(reader !== undefined && { reader }) })
      const now = nowMs()
      const box = use(name, current(name, now), keepMs, now)
      const opened = { ...newestOf(box), about: about ?? box.about, reader: box.reader }
      box.about = opened.about
      if (reader !== undefined && reader !== box.reader) {
        const before = box.reader
        box.reader = reader
        tell(before, 0, name, nodeOf(reader))
      }
      makeRoom(now)
      return opened
    },
    async append(name, text, { most, mostBytes, keepMs }, options = {}) {
      const { mark = makeMark(), isForKnown = false, by } = options
      const bytes = assertFits(text, mostBytes, mark)
      const now = nowMs()
      const found = current(name, now)
      if (isForKnown && !found) return { epoch: '', offset: 0, mark, dropped: 0, about: '', reader: '' }
      const box = use(name, found, keepMs, now)
      // Under a mark that was made this moment nothing can be there.
      const same =
        options.mark === undefined
          ? undefined
          : box.letters.slice(-SAME_AMONG).find((letter) => letter.mark === mark)
      if (same) return { epoch: box.epoch, offset: same.offset, mark, dropped: 0, ...factsOf(box) }
      box.newest++
      box.bytes += bytes
      bytesOfAll += bytes
      lettersOfAll++
      box.letters.push({ offset: box.newest, mark, text, bytes, at: now })
      let dropped = 0
      for (; box.letters.length > most || box.bytes > mostBytes; dropped++) dropFirst(box)
      makeRoom(now)
      tell(box.reader, box.newest, name, by)
      const { epoch, newest, letters, before, about, reader } = box
      return { epoch, offset: newest, mark: letters.at(-1)?.mark ?? before, dropped, about, reader }
    },
    async read(name, after, most) {
      const box = current(name)
      if (!box)
        return {
          ...{ epoch: '', newest: 0, from: { offset: 0, mark: '' }, mail: [] },
          ...{ isComplete: after === undefined, about: '', reader: '' },
        }
      const { epoch, newest, letters } = box
      const isSame = after !== undefined && isKnown(box, after)
      const begin = isSame ? after.offset - (newest - letters.length) : 0
      const from = {
        offset: newest - letters.length + begin,
        mark: begin > 0 ? letters[begin - 1]!.mark : box.before,
      }
      const mail = letters
        .slice(begin, begin + most)
        .map(({ offset, mark, text }) => ({ offset, mark, text }))
      return { epoch, newest, from, mail, isComplete: after === undefined || isSame, ...factsOf(box) }
    },
    async acknowledge(name, upTo) {
      const box = current(name)
      if (!box || !isKnown(box, upTo)) return
      while (box.letters[0] && box.letters[0].offset <= upTo.offset) dropFirst(box)
    },
    async leave(name, reader) {
      const box = boxes.get(name)
      if (box?.reader === reader) box.reader = ''
    },
    async remove(name) {
      const box = boxes.get(name)
      if (!box) return
      drop(name, box)
      tell(box.reader, 0, name)
    },
    told: async () => [],
    usage: () => ({ boxes: boxes.size, messages: lettersOfAll, bytes: bytesOfAll }),
    async close() {
      boxes.clear()
      bytesOfAll = 0
      lettersOfAll = 0
    },
  }
}
