/**
 * Writes `docs/reference/config.md` from the schema of the configuration.
 *
 * @module
 */
import { formatReference, formatVariables } from '@hydra-gateway/gateway/config'
import { generate, inRepository } from './generated-file.ts'

const COMMAND = 'node --conditions=hydra-source tools/generate-config-reference.ts'

const text = `# Configuration

<!-- Generated from packages/gateway/src/config/schema.ts. Change it there, then: ${COMMAND} -->

With no configuration at all the gateway starts at port 8080, keeps everything in memory and makes its own keys.

Settings come from four layers; later wins:

1. An existing configuration of hydra-router, named by \`HYDRA_ROUTER_CONFIG\` ([below](#hydra-router)).
2. A file: \`hydra.config.ts\`, \`.mjs\`, \`.yaml\`, \`.yml\` or \`.json\` in the working directory, or the one named with
   \`hydra start --config FILE\`. There may be one of them.
3. The environment.
4. Flags of \`hydra start\`: \`--port\`, \`--host\`, \`--public-url\`, \`--tls-cert\` with \`--tls-key\`, \`--tls-self-signed\`,
   \`--log-level\`.

All of it is read at the start, and the file again with [\`hydra reload\`](../guides/stop-and-upgrade.md#another-configuration).
Everything that is wrong is reported together, each with its place, what is there, and what to write; then nothing is started.
\`hydra check\` does the same without starting, and \`hydra config\` shows what the gateway would use.

\`\`\`ts
// hydra.config.ts
import { defineConfig } from '@hydra-gateway/gateway'

export default defineConfig({
  lease: { ttl: '5s' },
  services: {
    orders: { url: 'http://localhost:3002', routes: ['/orders/**'] },
  },
})
\`\`\`

That import needs the package \`@hydra-gateway/gateway\` installed where the file is, and a project of ES modules (\`"type":
"module"\`), which a clone of this repository has. \`export default { … }\` without the import needs no package, and YAML
needs neither. The same as YAML:

\`\`\`yaml
# hydra.config.yaml
lease:
  ttl: 5s
services:
  orders:
    url: http://localhost:3002
    routes: [/orders/**]
\`\`\`

A duration is a number of milliseconds, or text with a unit: \`250ms\`, \`5s\`, \`10m\`, \`24h\`, \`1d\`. A size is a number of
bytes, or text with a unit: \`64KiB\`, \`8MiB\`, \`1GiB\`. Ranges of addresses are CIDRs (\`10.0.0.0/8\`), single addresses, or
the words \`loopback\` (this machine), \`private\` (private networks) and \`any\`.

## Environment

An empty variable counts as absent, except for the keys, where it is a mistake. \`…_FILE\` names a file with the value. A
list is written with commas.

${formatVariables()}

Of \`HYDRA_REDIS_URL\` and \`REDIS_URL\` the first wins.

## hydra-router

\`HYDRA_ROUTER_CONFIG\` names a \`config.json\` of hydra-router. It turns \`flywheel.enabled\` on; \`HYDRA_FLYWHEEL=off\` turns it
off again. Every key is one of these settings, or is named at the start as one that has no effect, with the reason. What is
wrong with one is told with file, line and what to write, and nothing is started.

| Key | Setting |
|---|---|
| \`externalRoutes\`, \`routerToken\`, \`disableRouterEndpoint\`, \`debugLogging\`, \`cors\`, \`forceMessageSignature\`, \`signatureSharedSecret\`, \`requireWebsocketAuth\`, \`websocketAuthService\`, \`websocketAuthServiceAPI\` | the same below \`flywheel\` |
| \`requestTimeout\`, in seconds | \`flywheel.requestTimeout\` |
| \`queuerDB\`, otherwise \`hydra.queuerDB\` | \`flywheel.queuerDB\` |
| \`hydra.redis\`: \`url\`, \`host\`, \`port\`, \`db\`, \`password\`, \`tls\` | \`redis.url\`; without the block \`redis://127.0.0.1:6379/15\`. As in hydra-router, what stands beside the url wins, and a user name in it is not used |
| \`hydra.servicePort\` | \`port\` |
| \`hydra.serviceInterface\`, with \`hydra.serviceIP\` if it is there | \`host\` |
| \`hydra.serviceDNS\`, otherwise \`hydra.serviceIP\` | \`flywheel.address\` |
| \`hydra.serviceName\` | is \`hydra-router\`, whatever stands there |
| \`hydra.serviceDescription\`, \`hydra.serviceType\`, \`hydra.plugins\`, \`rateLimiter\` | no effect |

With \`HYDRA_ROUTER_ENV\` beside it, the file it names and the environment may say keys as variables of their own:
\`HYDRA_ROUTER_ROUTERTOKEN\`, \`HYDRA_ROUTER_HYDRA_SERVICEPORT\`, \`HYDRA_ROUTER_HYDRA_REDIS_URL\`, and so on;
\`HYDRA_ROUTER_CORS_ACCESS_CONTROL_ALLOW_ORIGIN\` is a header of \`cors\`. They go before the keys of the file; an empty one counts
as absent. How to move over is in [its guide](../guides/from-hydra-router.md).

## Keys

\`keys.publicKey\` is the token in the path services register at; it stands in URLs and is masked in the log.
\`keys.privateKey\` is a shared secret. When neither is given, random ones are made and kept in \`.hydra/keys.json\` (readable
by its owner only) in the working directory, and services may register from this machine only. \`hydra config --show-keys\`
shows them. To change a key without a stop, give \`new,old\`, move the services over, then drop the old one.

## Settings

What has ↻ behind it changes with a [reload](../guides/stop-and-upgrade.md#another-configuration); everything else needs another
start. Whatever stands in a list or a record changes with all of it.

${formatReference()}
`

generate(new Map([[inRepository('docs/reference/config.md'), text]]), COMMAND)
