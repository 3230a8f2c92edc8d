/**
 * `hydra start`
 *
 * @module
 */
import { defineCommand } from '../command.ts'

export const start = defineCommand({
  name: 'start',
  summary: 'Start the gateway',
  about:
    'Settings come from a file, then the environment, then these flags; later wins.\nWith none at all it serves at port 8080 and makes its own keys. HYDRA_ROUTER_CONFIG names a config.json of\nhydra-router, which is below all of them.',
  args: {
    config: {
      type: 'string',
      valueHint: 'FILE',
      description: 'Configuration file; otherwise hydra.config.* in this directory',
    },
    port: { type: 'string', valueHint: 'PORT', description: 'Public port; 0 takes any free one (PORT)' },
    host: {
      type: 'string',
      valueHint: 'ADDRESS',
      description: 'Address to listen on; otherwise all (HYDRA_HOST)',
    },
    'public-url': {
      type: 'string',
      valueHint: 'URL',
      description: 'How browsers reach the gateway (HYDRA_PUBLIC_URL)',
    },
    'tls-cert': {
      type: 'string',
      valueHint: 'FILE',
      description: 'Certificate in PEM form, then its chain: speak TLS only (HYDRA_TLS_CERT)',
    },
    'tls-key': { type: 'string', valueHint: 'FILE', description: 'Its key in PEM form (HYDRA_TLS_KEY)' },
    'tls-self-signed': {
      type: 'boolean',
      description: 'Make a certificate for development, kept in .hydra/tls',
    },
    'log-level': {
      type: 'string',
      valueHint: 'LEVEL',
      description: 'trace, debug, info, warn, error, fatal or silent (HYDRA_LOG_LEVEL)',
    },
    takeover: {
      type: 'boolean',
      description:
        'Replace the gateway that runs in this directory without losing a connection; the first one started so is looked after (Linux)',
    },
  },
  examples: [
    ['hydra start', 'try it out'],
    ['hydra start --config hydra.config.yaml --port 80', 'with a file, at another port'],
    ['hydra start --tls-self-signed', 'https and HTTP/2 on this machine'],
    ['hydra start --takeover', 'again, with another version or another configuration: nobody notices'],
    ['HYDRA_ROUTER_CONFIG=config/config.json hydra start', 'in the place of hydra-router'],
    ['hydra start | jq .', 'the log is JSON when it is not read at a terminal'],
  ],
  async run({ config, port, host, color, ascii, takeover, ...args }) {
    const flags = {
      port,
      host,
      publicUrl: args['public-url'],
      logLevel: args['log-level'],
      tlsCert: args['tls-cert'],
      tlsKey: args['tls-key'],
      tlsSelfSigned: args['tls-self-signed'] === true,
    }
    const look = { colour: color === true, ascii: ascii === true }
    if (takeover === true) {
      const { runTakeover } = await import('@hydra-gateway/gateway/takeover')
      return runTakeover({ file: config, flags, ...look })
    }
    // only this command needs the whole gateway; the others start in half the time without it
    const { runGateway } = await import('@hydra-gateway/gateway/main')
    return runGateway({ file: config, flags, ...look })
  },
})
