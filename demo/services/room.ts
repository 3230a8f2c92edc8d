/**
 * The room of the chat: its lines, numbered without a gap, and who hears them. Kept in a file, so that it is the same room
 * after a restart.
 *
 * Every line is pushed to every member, in order and until it is known to have arrived; a push whose outcome nobody knows is
 * made again, so a line may come twice, under its number. What follows from that is for the page: it shows each number once.
 *
 * @module
 */
import { appendFileSync, readFileSync } from 'node:fs'

export interface Line {
  /** 1 for the first line of the room. */
  readonly n: number
  /** Made up by who says it: a line that is said again is the same line. */
  readonly id: string
  readonly who: string
  readonly text: string
  /** Epoch ms. */
  readonly at: number
}

export interface RoomDeps {
  readonly file: string
  /** Brings a line to a member; rejects when it is not known to have arrived. */
  push(member: string, line: Line): Promise<unknown>
  /** Why a push failed: the member is gone for good. */
  isGone(fault: unknown): boolean
  /** Waits before the next try, ms. */
  wait(ms: number): Promise<unknown>
  now(): number
}

export interface Room {
  /** Makes somebody hear every line from now on. Resolves with the number of the last one. */
  join(member: string): number
  leave(member: string): void
  say(line: Pick<Line, 'id' | 'who' | 'text'>): Line
  /** Lines after a number, no more than `most` of the last. */
  after(n: number, most?: number): readonly Line[]
  readonly members: number
}

const MOST_KEPT = 5000
const MOST_MEMBERS = 500
const AGAIN_MS = 200

export function openRoom({ file, push, isGone, wait, now }: RoomDeps): Room {
  const lines: Line[] = []
  const byId = new Map<string, Line>()
  /** What each member has still to hear. */
  const members = new Map<string, { waiting: Line[]; isBusy: boolean }>()

  for (const record of recordsOf(file)) {
    if ('joined' in record) members.set(record.joined, { waiting: [], isBusy: false })
    else if ('left' in record) members.delete(record.left)
    else keep(record)
  }

  function keep(line: Line): void {
    lines.push(line)
    byId.set(line.id, line)
    if (lines.length > MOST_KEPT) byId.delete(lines.shift()!.id)
  }
  const write = (record: object): void => appendFileSync(file, `${JSON.stringify(record)}\n`)

  function leave(member: string): void {
    if (members.delete(member)) write({ left: member })
  }

  async function tell(member: string): Promise<void> {
    const state = members.get(member)
    if (!state || state.isBusy) return
    state.isBusy = true
    while (state.waiting.length > 0 && members.get(member) === state) {
      try {
        await push(member, state.waiting[0]!)
        state.waiting.shift()
      } catch (fault) {
        if (isGone(fault)) leave(member)
        else await wait(AGAIN_MS)
      }
    }
    state.isBusy = false
  }

  return {
    join(member) {
      if (!members.has(member)) {
        if (members.size >= MOST_MEMBERS) leave(members.keys().next().value!)
        members.set(member, { waiting: [], isBusy: false })
        write({ joined: member })
      }
      return lines.at(-1)?.n ?? 0
    },
    leave,
    say({ id, who, text }) {
      const said = byId.get(id)
      if (said) return said
      const line: Line = { n: (lines.at(-1)?.n ?? 0) + 1, id, who, text, at: now() }
      write(line)
      keep(line)
      for (const [member, { waiting }] of members) {
        waiting.push(line)
        // Who is so far behind asks for what it missed.
        if (waiting.length > MOST_KEPT) waiting.shift()
        void tell(member)
      }
      return line
    },
    after: (n, most = MOST_KEPT) => lines.filter((line) => line.n > n).slice(-most),
    get members() {
      return members.size
    },
  }
}

type Stored = Line | { readonly joined: string } | { readonly left: string }

/** A line that was cut by a crash is passed over. */
function recordsOf(file: string): Stored[] {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault
  }
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Stored]
    } catch {
      return []
    }
  })
}
