/**
 * `hydra reload`
 *
 * @module
 */
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, sentences } from '../io.ts'
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
    const answer = await admin.reload().catch((error: unknown) => {
      const isGuessed = gateway === undefined && !io.env.HYDRA_GATEWAY
      throw isGuessed ? withFormerPort(error) : error
    })
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

/** The port was read in the file that is to be taken: the gateway still listens where it did before. */
function withFormerPort(error: unknown): unknown {
  if (!(error instanceof CommandError) || error.exit !== EXIT.noGateway) return error
  const wayOut = `${error.message.slice(error.fact.length)}. Was its port changed in the file? It still listens at the former one: name that`
  return new CommandError(error.fact, error.exit, wayOut)
}
