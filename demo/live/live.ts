/**
 * The demo at a terminal: a table that is redrawn in place, and keys.
 *
 * It draws on the terminal's second screen, so that what stood there before is there again afterwards, also when
 * something goes wrong.
 *
 * @module
 */
import type { ReadStream, WriteStream } from 'node:tty'
import type { Style } from '@hydra-gateway/gateway/terminal'
import { SERVICES } from '../shop/shop.ts'
import type { DemoEvent } from './event.ts'
import { formatCount, renderScreen } from './screen.ts'
import { openStory, type Story } from './story.ts'
import { showTable } from './table.ts'
import { takeTerminal } from './terminal.ts'

export interface LiveOptions {
  readonly port: number
  /** Asked at each drawing: a terminal changes its size. */
  styleNow(): Style
  readonly signal: AbortSignal
  readonly stdin: ReadStream
  readonly stdout: WriteStream
}

const MOST_EVENTS = 200

/** Resolves with the exit status. */
export async function runLive({ port, styleNow, signal, stdin, stdout }: LiveOptions): Promise<number> {
  stdout.write(`${styleNow().mark}${styleNow().bold('hydra demo')} starts a gateway and four services ...\n`)
  const events: DemoEvent[] = []
  const story = await openStory({
    port,
    onEvent(event) {
      events.push(event)
      if (events.length > MOST_EVENTS) events.shift()
    },
  })
  const restore = takeTerminal(stdin, stdout)
  let status: number
  try {
    status = await watch(story, events, { styleNow, signal, stdin, stdout })
  } finally {
    restore()
    stdout.write('  Stopping everything.\n')
    await story.stop()
  }
  const { answered, fallbacks, failed } = story.totals
  stdout.write(
    `  Stopped. ${formatCount(answered)} requests answered, ${formatCount(fallbacks)} fallbacks, ${formatCount(failed)} failed.\n`,
  )
  return status
}

type WatchOptions = Omit<LiveOptions, 'port'>

/** Draws and obeys until `q`, Ctrl+C, a signal, or the end of the gateway. */
async function watch(
  story: Story,
  events: readonly DemoEvent[],
  { styleNow, signal, stdin, stdout }: WatchOptions,
): Promise<number> {
  const done = Promise.withResolvers<number>()
  let chosen = 0
  let showsHelp = false
  let isOver = false

  const lines = (): readonly string[] =>
    renderScreen(
      {
        url: story.shop.gateway.url,
        watchCommand: story.shop.gateway.watchCommand,
        rows: story.rows(),
        events,
        chosen,
        totals: story.totals,
        isLoaded: story.isLoaded,
        showsHelp,
        height: stdout.rows,
      },
      styleNow(),
    )

  const service = () => SERVICES[chosen]!.name
  const attempt = (action: Promise<void>): void => {
    action.catch((fault: Error) => story.say({ service: service(), text: fault.message }))
  }
  const leave = () => done.resolve(0)
  const actions: Readonly<Record<string, () => void>> = {
    k: () => story.kill(service()),
    r: () => attempt(story.revive(service())),
    a: () => story.add(service()),
    l: () => attempt(story.setLoad(!story.isLoaded)),
    o: () => story.say({ text: `open ${styleNow().underline(story.shop.gateway.url)} in a browser` }),
    '?': () => {
      showsHelp = !showsHelp
    },
    q: leave,
    // Ctrl+C and Ctrl+D: at a terminal that gives keys one by one they are keys.
    '\u0003': leave,
    '\u0004': leave,
  }
  const onKey = (key: string): void => {
    const index = Number(key) - 1
    if (index in SERVICES) chosen = index
    else if (Object.hasOwn(actions, key)) actions[key]!()
  }

  void story.shop.gateway.child.exited.then((how) => {
    story.say({ text: `the gateway ended with ${how}` })
    done.resolve(1)
  })

  // Only then there is something to ask for.
  const started = SERVICES.flatMap(({ name }) => story.shop.instances(name)).map(({ serving }) => serving)
  void Promise.allSettled(started).then(() => (isOver ? undefined : story.setLoad(true)))
  try {
    // A gateway that is gone ends the demo by itself.
    const refresh = () => story.refresh()
    return await showTable({ stdin, stdout, signal, lines, onKey, refresh, leave }, done.promise)
  } finally {
    isOver = true
  }
}
