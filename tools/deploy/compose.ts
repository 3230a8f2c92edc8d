/**
 * compose.yaml: targets, variables, files, and that a stop is given the time it takes.
 *
 * @module
 */
import { parse } from 'yaml'
import { readStages } from './dockerfile.ts'
import {
  checkVariables,
  type Files,
  inRepository,
  type Report,
  readSettings,
  secondsOf,
  stopSeconds,
} from './files.ts'

interface Service {
  readonly image?: string
  readonly build?: { readonly target?: string }
  readonly environment?: Readonly<Record<string, unknown>>
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
  readonly read_only?: boolean
  readonly restart?: string
}

export function checkCompose(files: Files, report: Report): void {
  const { services = {}, volumes = {} } = parse(files.read('compose.yaml'), { merge: true }) as {
    services?: Record<string, Service>
    volumes?: Record<string, unknown>
  }
  const targets = new Set(readStages(files.read('Dockerfile')).stages.map(({ name }) => name))
  const settings = readSettings({}, report)
  const published = new Set<string>()
  for (const [name, service] of Object.entries(services)) {
    const say: Report = (fault) => report(`${name}: ${fault}`)
    const { build, environment = {}, entrypoint = [], command = [] } = service
    if (build && !targets.has(build.target ?? '')) say(`the Dockerfile has no stage ${build.target}`)
    checkVariables(environment, say)
    for (const other of Object.keys(service.depends_on ?? {}))
      if (!services[other]) say(`it waits for ${other}, which is not there`)
    for (const volume of service.volumes ?? []) {
      const source = volume.split(':')[0]!
      if (!source.startsWith('.') && !(source in volumes)) say(`the volume ${source} is not declared`)
    }
    if (build)
      for (const word of [...entrypoint, ...command]) {
        const path = inRepository(word) ?? word
        if (/\.m?[jt]s$/.test(path) && !files.has(path)) say(`it runs ${path}, which is not there`)
      }
    for (const port of service.ports ?? []) {
      const [outside, inside] = port.split(':')
      if (published.has(outside!)) say(`port ${outside} is published twice`)
      published.add(outside!)
      if (inside !== String(environment.PORT))
        say(`port ${inside} is published, and PORT is ${environment.PORT}`)
    }
    if (service.read_only !== true) say('its root file system can be written to')
    if (service.restart === undefined) say('nobody starts it again')
    if (!isGateway(service)) continue
    const patience = secondsOf(service.stop_grace_period)
    if (settings && patience <= stopSeconds(settings))
      say(`stop_grace_period is ${patience} s, and a stop may take ${stopSeconds(settings)} s`)
  }
  if (Object.values(services).filter(isGateway).length < 2) report('there are no two gateways')
}

const isGateway = ({ build, entrypoint }: Service): boolean =>
  build?.target === 'gateway' && entrypoint === undefined
