/**
 * `hydra reload`
 *
 * @module
 */
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, EXIT, sentences } from '../io.ts'
import { printable } from '../table.ts'

export const reload = defineCommand({
  name: 'reload',
  summary: 'Have the gateway read its configuration and certificates again',
  about:
    'The configuration is taken as a whole or not at all; one that can’t be used, or changes what needs a restart,\nchanges nothing.',
  args: GATEWAY_ARGS,
  examples: [['hydra check && hydra reload', 'look at it first, then have it taken']],
  async run({ gateway, config, json }, io) {
    const admin = await openAdmin({ gateway, config }, io)
    const answer = await admin.reload()
    if (json) io.out(asJson(answer))
    else {
      const { changed, warnings } = answer
      const what = changed.map(printable).join(', ')
      io.out(sentences(changed.length === 0 ? 'Nothing has changed.\n' : `Taken: ${what}.\n`, io.style.out))
      for (const warning of warnings) io.err(sentences(`▲ ${printable(warning)}\n`, io.style.err))
    }
    return EXIT.ok
  },
})
