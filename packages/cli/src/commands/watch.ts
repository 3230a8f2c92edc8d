/**
 * `hydra watch`
 *
 * @module
 */
import { SITE_EVENT_KINDS } from '@hydra-gateway/protocol'
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { CommandError, EXIT, type Io } from '../io.ts'
import { didYouMean } from '../meant.ts'
import { follow } from '../watch/follow.ts'
import { createPipeView } from '../watch/pipe-view.ts'
import { createTerminalView } from '../watch/terminal-view.ts'

export const watch = defineCommand({
  name: 'watch',
  summary: 'Say what happens to services, their routes and menus, as it happens',
  about:
    'A line for each change, until you quit; a gateway that goes away is waited for. In a pipe each event is one plain\nline, with --json one JSON object.',
  args: {
    ...GATEWAY_ARGS,
    json: { ...GATEWAY_ARGS.json, description: 'One JSON object a line, for programs' },
    kinds: {
      type: 'string',
      valueHint: 'A,B',
      description: `Some of ${SITE_EVENT_KINDS.join(', ')}; otherwise all`,
    },
  },
  examples: [
    ['hydra watch', 'look at it'],
    ['hydra watch --kinds service | grep --line-buffered " down "', 'what visitors feel, in a pipe'],
    ['hydra watch --json >> events.ndjson', 'keep all of it'],
  ],
  async run({ gateway, config, json, kinds }, io) {
    const path = `/_hydra/api/v1/events${kinds === undefined ? '' : `?kinds=${readKinds(kinds)}`}`
    const { url, stream } = await openAdmin({ gateway, config }, io)
    await new Promise<void>((resolve, reject) => {
      const quit = (): void => {
        stop()
        view?.close()
        resolve()
      }
      let view: ReturnType<typeof viewOf> | undefined
      const shown = (): ReturnType<typeof viewOf> => (view ??= viewOf(io, url, json, quit))
      io.onOutputGone(quit)
      const stop = follow(stream, path, {
        onHello: (...about) => shown().onHello(...about),
        onEvent: (event) => shown().onEvent(event),
        onAway: (reason) => shown().onAway(reason),
        onFailed: reject,
      })
    })
    return EXIT.ok
  },
})

function viewOf(io: Io, url: string, isJson: boolean, onQuit: () => void) {
  const { keyboard } = io
  return keyboard && !isJson
    ? createTerminalView({ url, style: io.style.out, keyboard, now: Date.now, onQuit })
    : createPipeView(io, url, isJson)
}

function readKinds(given: string): string {
  const kinds = given.split(',').map((kind) => kind.trim())
  for (const kind of kinds) {
    if ((SITE_EVENT_KINDS as readonly string[]).includes(kind)) continue
    const some = `; it takes some of ${SITE_EVENT_KINDS.join(', ')}.`
    throw new CommandError(`--kinds knows no "${kind}"`, EXIT.usage, didYouMean(kind, SITE_EVENT_KINDS, some))
  }
  return kinds.join(',')
}
