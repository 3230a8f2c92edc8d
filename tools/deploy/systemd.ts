/**
 * The units of systemd: the program, variables, credentials, the port, and that a stop is given the time it takes.
 *
 * @module
 */
import { parse } from 'yaml'
import { checkVariables, type Files, inRepository, type Report, readSettings, stopSeconds } from './files.ts'

const FOLDER = 'deploy/systemd'
/** Names a socket may have; the gateway knows what each is for. */
const SOCKETS = ['http', 'control', 'rsocket']

export function checkSystemd(files: Files, report: Report): void {
  const service = readUnit(files.read(`${FOLDER}/hydra.service`))
  const settings = readSettings(parse(files.read(`${FOLDER}/hydra.config.yaml`)), (fault) =>
    report(`hydra.config.yaml: ${fault}`),
  )
  const [start = ''] = service('ExecStart')
  const program = start.split(' ').find((word) => inRepository(word) !== undefined)
  if (program === undefined || !files.has(inRepository(program)!))
    report(`it starts ${start}, which is not there`)

  const environment = Object.fromEntries(
    service('Environment').map((each) => each.split(/=(.*)/s).slice(0, 2)),
  )
  checkVariables(environment, report)
  const credentials = service('LoadCredential').map((each) => each.split(':')[0])
  for (const [name, value] of Object.entries(environment)) {
    const [, credential] = /^%d\/(.*)$/.exec(String(value)) ?? []
    if (credential !== undefined && !credentials.includes(credential))
      report(`${name} names the credential ${credential}, which is not loaded`)
  }
  const patience = Number(service('TimeoutStopSec')[0])
  if (settings && !(patience > stopSeconds(settings)))
    report(`TimeoutStopSec is ${patience}, and a stop may take ${stopSeconds(settings)} s`)
  if (service('MemoryDenyWriteExecute')[0] === 'yes') report('MemoryDenyWriteExecute ends Node at its start')
  if (service('Restart')[0] !== 'always') report('nobody starts it again')

  const socket = readUnit(files.read(`${FOLDER}/hydra.socket`))
  const [port] = socket('ListenStream')
  if (settings && port !== String(settings.port))
    report(`the socket is ${port}, and port is ${settings.port}`)
  const [name = ''] = socket('FileDescriptorName')
  if (!SOCKETS.includes(name)) report(`the gateway knows no socket called ${name}`)
}

/** Values of a setting, in order. */
function readUnit(text: string): (setting: string) => string[] {
  const lines = text.split('\n').flatMap((line) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, value: value! }]
  })
  return (setting) => lines.flatMap(({ name, value }) => (name === setting ? value : []))
}
