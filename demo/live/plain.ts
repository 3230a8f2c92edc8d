/**
 * The demo without a terminal: one line for each event, until it is told to stop. What keys do at a terminal,
 * lines of the input do here: `kill orders`, `revive orders`, `add catalog`, `quit`.
 *
 * @module
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { HOW_TO_SIGN_IN } from '../shop/people.ts'
import { SERVICES } from '../shop/shop.ts'
import type { DemoEvent } from './event.ts'
import { openStory, type Story } from './story.ts'

export interface PlainOptions {
  readonly port: number
  write(text: string): void
  readonly input: Readable
  readonly signal: AbortSignal
}

/** Resolves with the exit status. */
export async function runPlain({ port, write, input, signal }: PlainOptions): Promise<number> {
  const story = await openStory({ port, onEvent: (event) => write(`${plainLine(event)}\n`) })
  const quit = Promise.withResolvers<void>()
  const lines = createInterface({ input })
  lines.on('line', (line) => obey(line, story, quit.resolve))
  let status = 1
  try {
    story.say({ text: `the shop is at ${story.shop.gateway.url}; Ctrl+C or kill ${process.pid} stops it` })
    story.say({ text: HOW_TO_SIGN_IN })
    story.say({ text: `to follow it elsewhere: ${story.shop.gateway.watchCommand}` })
    const told = signal.aborted ? undefined : once(signal, 'abort')
    const { exited } = story.shop.gateway.child
    status = await Promise.race([Promise.race([told, quit.promise]).then(() => 0), exited.then(() => 1)])
  } finally {
    lines.close()
    input.destroy()
    await story.stop()
  }
  story.say({ text: 'stopped, nothing is left running' })
  return status
}

function obey(line: string, story: Story, quit: () => void): void {
  const [word, name] = line.trim().split(/\s+/)
  const service = SERVICES.find((one) => one.name === name)?.name
  if (word === 'quit') quit()
  else if (service && word === 'kill') story.kill(service)
  else if (service && word === 'add') story.add(service)
  else if (service && word === 'revive') {
    story.revive(service).catch((fault: Error) => story.say({ service, text: fault.message }))
  } else if (word !== '') {
    const known = SERVICES.map((one) => one.name).join(', ')
    const isAboutOne = word === 'kill' || word === 'add' || word === 'revive'
    const stranger = isAboutOne && name !== undefined ? `no service is called ${name}; ` : ''
    story.say({ text: `${stranger}say kill, revive or add and one of ${known}; or quit` })
  }
}

/** `2026-11-20T14:03:27.412Z down orders ord-72 …` */
function plainLine({ at, state, service, text }: DemoEvent): string {
  return [new Date(at).toISOString(), state, service, text].filter((part) => part !== undefined).join(' ')
}
