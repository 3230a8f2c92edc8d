/**
 * `hydra config`
 *
 * @module
 */
import { join } from 'node:path'
import { formatConfig, loadConfig, showConfig } from '@hydra-gateway/gateway/config'
import { KEYS_FILE, maskKey, readKeys } from '@hydra-gateway/gateway/keys'
import { fold } from '@hydra-gateway/gateway/terminal'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT } from '../io.ts'

export const config = defineCommand({
  name: 'config',
  summary: 'Show every setting as the gateway would see it, secrets masked',
  args: {
    config: GATEWAY_ARGS.config,
    json: GATEWAY_ARGS.json,
    'show-keys': {
      type: 'boolean',
      default: false,
      description: 'Show the keys whole. They open your gateway: mind who watches',
    },
  },
  examples: [['hydra config --show-keys', 'for the services that are to register']],
  async run({ config: named, json, ...args }, io) {
    const loaded = await loadConfig({ directory: io.directory, file: named, env: io.env })
    const { config, file, routerFile, warnings } = loaded
    const isGiven = config.keys.publicKey.length > 0
    const kept = isGiven ? undefined : await readKeys(join(io.directory, KEYS_FILE))
    const pair = kept ? { publicKey: [kept.publicKey], privateKey: [kept.privateKey] } : config.keys
    const options = { keys: isGiven || kept ? shownKeys(pair, args['show-keys'] === true) : undefined }
    const made = `made at the first start, and kept in ${KEYS_FILE}`
    const from = isGiven ? 'from the configuration' : kept ? `kept in ${KEYS_FILE}` : made
    const below = routerFile === undefined ? '' : `${routerFile} of hydra-router, `
    const { columns, dim, plain, warning } = io.style.err
    const read = `Settings: ${file ?? 'no file'}, environment, ${below}defaults. Keys: ${from}.`
    const marks = json ? '' : ' Behind each that was set stands where; the others are defaults.'
    // First: what comes is longer than a screen.
    io.err(plain(`${dim(fold(`${read}${marks}`, columns))}\n`))
    io.out(json ? asJson(showConfig(config, options)) : await formatConfig(config, options, loaded.origins()))
    for (const line of warnings) io.err(plain(fold(`${warning('▲')} ${line}\n`, columns)))
    return EXIT.ok
  },
})

interface KeyLists {
  readonly publicKey: readonly string[]
  readonly privateKey: readonly string[]
}

/** Keys as they may be printed. */
function shownKeys({ publicKey, privateKey }: KeyLists, whole: boolean) {
  return whole
    ? { publicKey: publicKey.join(','), privateKey: privateKey.join(',') }
    : { publicKey: publicKey.map(maskKey).join(','), privateKey: 'set' }
}
