import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStyle } from '@hydra-gateway/gateway/terminal'
import type { Command } from './command.ts'
import { check } from './commands/check.ts'
import { formatRoutes } from './commands/routes.ts'
import { services } from './commands/services.ts'
import { start } from './commands/start.ts'
import { users } from './commands/users.ts'
import { xray } from './commands/xray.ts'
import { formatHelp } from './help.ts'
import { sentences } from './io.ts'

const narrow = createStyle({
  isTerminal: true,
  columns: 80,
  env: { LANG: 'C.UTF-8', NO_COLOR: '1' },
})

const everyCommand = (command: Command, names: readonly string[]): [Command, readonly string[]][] => [
  [command, names],
  ...(command.subCommands ?? []).flatMap((one) => everyCommand(one, [...names, one.name])),
]

function mustFit(text: string): void {
  for (const line of text.split('\n')) assert.ok(line.length <= narrow.columns, line)
}

test('help fits a terminal of 80 columns', () => {
  for (const command of [start, services, users, check, xray])
    for (const [one, names] of everyCommand(command, ['hydra', command.name]))
      mustFit(formatHelp(one, names, narrow))
})

test('what is not shown of the routes is said in lines that fit', () => {
  const route = { service: 'orders', state: 'available', kind: 'page', auth: 'optional' }
  const answer = {
    revision: 1,
    routes: [
      { ...route, pattern: '/a', methods: ['GET'] },
      { ...route, pattern: '/a', methods: ['OPTIONS'] },
      { ...route, pattern: '/a.css', kind: 'static' },
    ],
    conflicts: [],
    refused: [],
    warnings: [
      {
        service: 'orders',
        warning:
          'orders is registered with routes that only a gateway has: they are not served, and a name is',
      },
    ],
  }
  const text = formatRoutes(answer as never, 'http://localhost:8080', narrow, false)
  mustFit(text)
  assert.match(text, /3 routes; not shown: 1 static \(--statics shows them\) and 1 for OPTIONS\s+alone/)
})

test('sentences are broken between words, and letters are plain where they have to be', () => {
  const ascii = createStyle({ isTerminal: true, columns: 30, env: { LANG: 'C' } })
  assert.equal(
    sentences('▲ It’s one sentence, of more than a line.\n', ascii),
    "! It's one sentence, of more\n  than a line.\n",
  )
})
