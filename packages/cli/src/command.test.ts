import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineCommand, findCommand, readArgs } from './command.ts'
import { CommandError, EXIT } from './io.ts'

const run = async () => EXIT.ok
const forget = defineCommand({
  name: 'forget',
  summary: '',
  args: { name: { type: 'positional', required: true } },
  run,
})
const services = defineCommand({
  name: 'services',
  summary: '',
  args: { gateway: { type: 'string' }, json: { type: 'boolean', default: false } },
  subCommands: [forget],
  run,
})
const root = defineCommand({ name: 'hydra', summary: '', args: {}, subCommands: [services], run })

test('words lead to the deepest command they name', () => {
  const found = findCommand(root, ['services', 'forget', 'orders'])
  assert.equal(found.command, forget)
  assert.deepEqual(found.names, ['hydra', 'services', 'forget'])
  assert.deepEqual(found.rest, ['orders'])
  assert.equal(findCommand(root, ['services', '--json']).command, services)
  assert.equal(findCommand(root, ['--json', 'services']).command, root)
})

test('flags are read with a space or an equals sign between them and their value', () => {
  for (const words of [
    ['--gateway', 'http://x', '--json'],
    ['--gateway=http://x', '--json'],
  ]) {
    const args = readArgs(services, words)
    assert.equal(args.gateway, 'http://x')
    assert.equal(args.json, true)
  }
  assert.equal(readArgs(services, ['--no-color']).color, false)
})

test('what a command does not take is refused, with what was probably meant', () => {
  const refused: [typeof services, string[], RegExp][] = [
    [services, ['--gatway', 'x'], /did you mean --gateway/],
    [services, ['--gateway'], /needs a value/],
    [services, ['--gateway', '--json'], /needs a value/],
    [services, ['--gateway='], /needs a value/],
    [services, ['--json=yes'], /takes no value/],
    [services, ['-x'], /not a flag/],
    [services, ['--constructor', 'x'], /not a flag/],
    [services, ['--no-gateway'], /not a flag/],
    [services, ['stray'], /one word too many/],
    [forget, [], /NAME is missing/],
    [forget, ['a', 'b'], /one word too many/],
  ]
  for (const [command, words, message] of refused) {
    assert.throws(
      () => readArgs(command, words),
      (error) => error instanceof CommandError && error.exit === EXIT.usage && message.test(error.message),
      words.join(' '),
    )
  }
})
