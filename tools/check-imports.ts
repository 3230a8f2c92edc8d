/**
 * Checks that imports go down and never sideways: the picture in docs/architecture.md, as rules.
 *
 * Prints every import that reaches where it may not, and every rule that allows what nobody does, and exits 1. Run:
 * node tools/check-imports.ts
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Packages a package may import, beside what its package.json lists. */
const PACKAGES: Record<string, readonly string[]> = {
  'packages/protocol': [],
  'packages/gateway': ['protocol'],
  'packages/sdk': ['protocol'],
  'packages/cli': ['protocol', 'gateway'],
  demo: ['protocol', 'sdk', 'gateway', 'cli'],
  bench: ['protocol', 'sdk', 'gateway', 'cli'],
  test: ['protocol', 'sdk', 'gateway', 'cli'],
  tools: ['protocol', 'gateway'],
}

/**
 * Folders of the gateway and what each may import: `folder`, or one file of it. A folder may always import
 * itself.
 */
const FOLDERS: Record<string, readonly string[]> = {
  observe: ['newest.ts'],
  routing: [],
  http1: [],
  address: ['observe', 'store/nodes/port.ts'],
  store: ['observe'],
  cluster: ['observe', 'store/reach.ts', 'store/nodes/port.ts'],
  tls: ['observe'],
  config: [
    'routing',
    'config.ts',
    'identity/service-patterns.ts',
    'identity/passwords.ts',
    'pages/login-template.ts',
    // reads an address, and nothing else
    'store/redis/address.ts',
    'lifecycle/live-settings.ts',
  ],
  pages: ['errors.ts', 'proxy/exchange.ts'],
  proxy: ['errors.ts', 'newest.ts', 'observe', 'routing', 'http1', 'pages', 'tls', 'identity/port.ts'],
  identity: [
    'errors.ts',
    'newest.ts',
    'observe',
    'routing',
    'address',
    'pages',
    'request-body.ts',
    'store/follow.ts',
    'store/identity/port.ts',
    'store/bus/port.ts',
    'store/bus/others.ts',
    'store/mailboxes/port.ts',
    'store/redis/port.ts',
    // for tools beside the gateway (`identity/index.ts`), and tests
    'store/identity/sqlite.ts',
    'store/identity/sqlite-file.ts',
    // the seams of the engine, and what reads and signs cookies there
    'proxy/exchange.ts',
    'proxy/answers.ts',
    'proxy/proxy.ts',
    'proxy/service-sign-in.ts',
    'proxy/lines-of.ts',
    'proxy/navigation.ts',
    'proxy/origin.ts',
    'proxy/cookies.ts',
    'proxy/signing.ts',
    'proxy/visitor-cookie.ts',
  ],
  registry: [
    'errors.ts',
    'observe',
    'routing',
    'address',
    'store/port.ts',
    'store/reach.ts',
    'store/follow.ts',
    'channels/port.ts',
    'proxy/own-cookies.ts',
    'identity/port.ts',
    'identity/no-identity.ts',
  ],
  channels: [
    'errors.ts',
    'observe',
    'routing',
    'registry',
    'request-body.ts',
    'proxy/exchange.ts',
    'proxy/websockets.ts',
    'fragments/port.ts',
    'events/port.ts',
    'messaging/port.ts',
    'messaging/addressed.ts',
    'store/redis/port.ts',
    'identity/port.ts',
    'identity/no-identity.ts',
  ],
  messaging: [
    'errors.ts',
    'newest.ts',
    'observe',
    'routing',
    'registry',
    'store/mailboxes/port.ts',
    'store/mailboxes/hints.ts',
    'store/bus/port.ts',
    'store/bus/others.ts',
    'store/redis/port.ts',
    'store/reach.ts',
    'proxy',
    'http1',
    'identity/port.ts',
    'identity/session-book.ts',
  ],
  'router-api': [
    'errors.ts',
    'observe',
    'routing',
    'registry',
    'request-body.ts',
    'pages',
    'proxy/exchange.ts',
    'proxy/flywheel-answers.ts',
    'proxy/flywheel-cors.ts',
    'messaging/port.ts',
    'channels/flywheel/port.ts',
    'channels/flywheel/self.ts',
    'identity/port.ts',
    'identity/same-origin.ts',
  ],
  fragments: [
    'errors.ts',
    'observe',
    'routing',
    'http1',
    'proxy',
    'identity/port.ts',
    'menus/port.ts',
    'live/port.ts',
  ],
  menus: ['observe', 'routing', 'identity/port.ts'],
  events: ['errors.ts', 'observe', 'routing', 'registry', 'proxy/exchange.ts'],
  live: ['errors.ts', 'observe', 'routing', 'proxy', 'pages/local-problem.ts', 'menus', 'identity/port.ts'],
  admin: [
    'errors.ts',
    'observe',
    'routing',
    'registry',
    'identity/port.ts',
    'identity/session-book.ts',
    'identity/session-id.ts',
    'identity/user-desk.ts',
    'store/identity/port.ts',
    'store/nodes/port.ts',
    'store/reach.ts',
  ],
  control: [
    'errors.ts',
    'observe',
    'routing',
    'proxy/exchange.ts',
    'pages',
    'admin',
    'channels',
    'fragments',
    'menus',
    'live',
    'identity/port.ts',
    'identity/same-origin.ts',
    'messaging/socket-paths.ts',
    'router-api/router-api.ts',
  ],
  workers: ['observe', 'routing', 'config.ts', 'store/identity/port.ts', 'fragments/channel-renderer.ts'],
  terminal: ['config', 'config.ts', 'keys.ts'],
  lifecycle: [
    'errors.ts',
    'config/problems.ts',
    'config.ts',
    'observe',
    'store/store.ts',
    'store/port.ts',
    'store/follow.ts',
  ],
  'errors.ts': [],
  'newest.ts': [],
  'request-body.ts': ['errors.ts', 'observe'],
  'keys.ts': [],
  'config.ts': ['config'],
}

/** Files that introduce the parts to each other and may import all. Whatever is in neither list is refused. */
const INTRODUCERS = [
  'gateway.ts',
  'wiring',
  'main.ts',
  'worker-main.ts',
  'takeover.ts',
  'index.ts',
  'slices.ts',
]

const builtins = new Set(builtinModules)
const problems: string[] = []
/** Rules that allowed something, `folder → what`. */
const used = new Set<string>()

for (const file of globSync(['packages/*/src/**/*.ts', '{demo,bench,test,tools}/**/*.ts'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules') || path.includes('dist'),
})) {
  const owner = Object.keys(PACKAGES).find((name) => file.startsWith(`${name}/`))
  if (!owner) continue
  for (const specifier of importsOf(readFileSync(join(root, file), 'utf8'))) {
    const problem = specifier.startsWith('.')
      ? checkRelative(file, owner, specifier)
      : checkPackage(file, owner, specifier)
    if (problem) problems.push(`${file}: ${specifier}: ${problem}`)
  }
}

for (const [folder, allowed] of Object.entries(FOLDERS))
  for (const goal of allowed)
    if (!used.has(`${folder} → ${goal}`))
      problems.push(`tools/check-imports.ts: ${folder} may import ${goal}, and does not`)

for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(
    `\n${problems.length} problems: imports that reach where they may not, or rules nobody needs; the rules are in tools/check-imports.ts`,
  )
  process.exit(1)
}
console.log('imports: every one goes down')

function importsOf(source: string): string[] {
  const pattern =
    /^\s*(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm
  return [...source.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3])!)
}

function checkRelative(file: string, owner: string, specifier: string): string | undefined {
  const target = relative(root, resolve(root, dirname(file), specifier))
  // A benchmark may measure, and a fuzzer try, a part that nobody else may import.
  if ((owner === 'bench' || file.startsWith('test/fuzz/')) && target.startsWith('packages/')) return undefined
  // The faults that are measured are those that are tested.
  if (file.startsWith('bench/faults/') && target.startsWith('test/cluster/')) return undefined
  if (file.startsWith('bench/message-faults/') && target.startsWith('test/messages/')) return undefined
  // Tests beside the source start the same real servers as those in `test/`.
  if (isForTests(file) && target.startsWith('test/support/')) return undefined
  if (!target.startsWith(`${owner}/`)) {
    return target === 'package.json' ? undefined : 'another package is imported by its name'
  }
  if (owner !== 'packages/gateway' || isForTests(file)) return undefined
  const [from, to] = [file, target].map((path) => path.slice('packages/gateway/src/'.length)) as [
    string,
    string,
  ]
  const folder = from.includes('/') ? from.slice(0, from.indexOf('/')) : from
  const goal = to.includes('/') ? to.slice(0, to.indexOf('/')) : to
  if (INTRODUCERS.includes(folder)) return undefined
  const allowed = FOLDERS[folder]
  if (!allowed) return `${folder} has no rule yet: say in tools/check-imports.ts what it may import`
  if (folder === goal) return undefined
  const rule = allowed.find((one) => one === goal || one === to)
  if (rule !== undefined) {
    used.add(`${folder} → ${rule}`)
    return undefined
  }
  return `${folder} may import ${allowed.join(', ') || 'nothing of the gateway'}`
}

function checkPackage(file: string, owner: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  if (builtins.has(specifier)) return `write node:${specifier}`
  const [scope, name] = specifier.split('/') as [string, string | undefined]
  if (scope === '@hydra-gateway') {
    return PACKAGES[owner]!.includes(name ?? '') || `packages/${name}` === owner
      ? undefined
      : `${owner} may not import it`
  }
  const wanted = scope.startsWith('@') ? `${scope}/${name}` : scope
  const listed = (folder: string): boolean => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, folder, 'package.json'), 'utf8'),
    )
    return wanted in { ...dependencies, ...devDependencies }
  }
  if (owner !== 'tools' && listed(owner)) return undefined
  if ((['tools', 'test', 'bench'].includes(owner) || isForTests(file)) && listed('.')) return undefined
  return `${owner}/package.json does not list it`
}

/** Tests, contracts, and what several of them need, put parts together as only `gateway.ts` does otherwise. */
function isForTests(file: string): boolean {
  return file.endsWith('.test.ts') || file.endsWith('/contract.ts') || file.includes('/testing/')
}
