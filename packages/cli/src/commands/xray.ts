/**
 * `hydra xray URL`
 *
 * @module
 */
import { openAdmin } from '../admin.ts'
import { defineCommand, GATEWAY_ARGS } from '../command.ts'
import { asJson, CommandError, EXIT, sentences } from '../io.ts'

export const xray = defineCommand({
  name: 'xray',
  summary: 'Show in the browser which service each fragment of a page comes from',
  about:
    'Prints a link that turns X-ray on in the browser that opens it, for one hour, and leads to the page. Nobody\nelse sees anything of it, and neither do programs such as curl: X-ray is for pages that are asked for as HTML\n(Accept: text/html). Give the link to nobody who may not know how your pages are made.',
  args: {
    url: { type: 'positional', required: true, valueHint: 'URL', description: 'A page behind the gateway' },
    gateway: {
      ...GATEWAY_ARGS.gateway,
      description: 'Address of the gateway’s admin API, where it is not at the page’s own',
    },
    config: GATEWAY_ARGS.config,
    json: GATEWAY_ARGS.json,
  },
  examples: [
    ['hydra xray http://localhost:8080/catalog', 'a page on this machine'],
    ['hydra xray https://shop.example.com/ --gateway http://10.0.0.5:9000', 'with a control port'],
  ],
  async run({ url: text, gateway, config, json }, io) {
    const page = pageOf(text)
    const admin = await openAdmin({ gateway: gateway ?? page.origin, config }, io)
    const { path, until } = await admin.xray(page.pathname + page.search)
    const url = new URL(path, page).href
    if (json) io.out(asJson({ url, until }))
    else {
      const { bold } = io.style.out
      const time = new Date(until * 1000).toLocaleTimeString('en-GB')
      io.out(`${bold('Open this address to see the page in X-ray:')}\n\n  ${url}\n\n`)
      io.out(
        sentences(
          `It works until ${time}, in the browser that opens it. “Turn off” in the panel ends it before.\n`,
          io.style.out,
        ),
      )
    }
    return EXIT.ok
  },
})

function pageOf(text: string): URL {
  const page = URL.canParse(text) ? new URL(text) : undefined
  if (page && /^https?:$/.test(page.protocol)) return page
  throw new CommandError(
    `${text} is not the address of a page`,
    EXIT.usage,
    '; write it whole, such as http://localhost:8080/catalog',
  )
}
