/**
 * Java for tests that need it: finds a JDK and Maven, builds a Maven project into one jar, and runs it.
 *
 * Nothing is installed. What is missing comes back as a sentence, so that a test can skip and say why.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findProgram, isExecutable } from './programs.ts'

/** A Java development kit: where it is, and its feature version (17, 21, …). */
export interface Jdk {
  readonly home: string
  readonly version: number
}

/**
 * Finds a JDK of at least `atLeast` in `JAVA_HOME`, `PATH` and `/usr/lib/jvm`. Of several it takes the oldest,
 * the nearest to what old clients were made for.
 */
export async function findJdk({ atLeast }: { atLeast: number }): Promise<Jdk | undefined> {
  const javac = await findProgram('javac')
  const homes = [
    process.env.JAVA_HOME,
    javac && dirname(dirname(await realpath(javac))),
    ...(await readdir('/usr/lib/jvm').catch(() => [])).map((name) => join('/usr/lib/jvm', name)),
  ]
  const found: Jdk[] = []
  for (const home of homes) {
    const version = home && (await jdkVersion(home))
    if (home && version && version >= atLeast) found.push({ home, version })
  }
  return found.sort((a, b) => a.version - b.version)[0]
}

/** The full path of `mvn` in `PATH`. */
export function findMaven(): Promise<string | undefined> {
  return findProgram('mvn')
}

/** A jar that can be run, or the sentence that says why there is none on this machine. */
export type Built = { readonly jar: string } | { readonly unavailable: string }

/**
 * Packages the Maven project in `dir` into `target/service.jar`, unless the jar is newer than its sources.
 * The first build downloads Spring and may take minutes: `say` gets a line when one starts.
 * Sources that do not compile throw; artifacts that cannot be had are `unavailable`.
 */
export async function buildJar({
  dir,
  jdkAtLeast,
  say,
}: {
  dir: string
  jdkAtLeast: number
  say: (line: string) => void
}): Promise<Built> {
  const jdk = await findJdk({ atLeast: jdkAtLeast })
  if (!jdk) {
    return { unavailable: `no JDK >= ${jdkAtLeast} in JAVA_HOME, PATH or /usr/lib/jvm` }
  }
  const maven = await findMaven()
  if (!maven) return { unavailable: 'no mvn in PATH' }

  const jar = join(dir, 'target', 'service.jar')
  if ((await modifiedMs(jar)) > (await newestSourceMs(dir))) return { jar }

  say(`mvn package in ${dir} with JDK ${jdk.version}; the first time this downloads Spring`)
  const child = spawn(maven, ['-B', '-q', '-U', '-DskipTests', 'package'], {
    cwd: dir,
    env: { ...process.env, JAVA_HOME: jdk.home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collect(child)
  const progress = setInterval(() => say('mvn package is still at it'), 20_000)
  const [code] = await once(child, 'close').finally(() => clearInterval(progress))
  if (code === 0) return { jar }

  // Which repository it asked is the business of whoever set up Maven.
  const reason = output().match(
    /(Could not (?:find|transfer) artifact [^\n]*?)(?: \(https?:[^)]*\))?(?: -> |\n|$)/,
  )?.[1]
  if (reason) return { unavailable: `Maven: ${reason}` }
  throw new Error(`mvn package failed in ${dir}:\n${output()}`)
}

/** A running Java process. */
export interface JavaProcess {
  readonly pid: number
  /** Everything it has written so far, for the message of a failing test. */
  output(): string
  /** SIGKILL: no shutdown hook runs, nobody is told. */
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<void>
}

/** Runs a jar with the given system properties, tuned to start quickly on a small machine. */
export async function startJar({
  jar,
  jdkAtLeast,
  properties,
}: {
  jar: string
  jdkAtLeast: number
  properties: Readonly<Record<string, string | number>>
}): Promise<JavaProcess> {
  const jdk = await findJdk({ atLeast: jdkAtLeast })
  if (!jdk) throw new Error(`no JDK >= ${jdkAtLeast}`)
  const settings = Object.entries(properties).map(([key, value]) => `-D${key}=${value}`)
  const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m']
  const child = spawn(join(jdk.home, 'bin', 'java'), [...quick, ...settings, '-jar', jar], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collect(child)
  const closed = once(child, 'close')
  await once(child, 'spawn')
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  closed.then(() => process.off('exit', killWithUs))

  const signal = async (name: NodeJS.Signals) => {
    child.kill(name)
    await closed
  }
  return {
    pid: child.pid as number,
    output,
    kill: () => signal('SIGKILL'),
    async stop() {
      const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
      await signal('SIGTERM')
      clearTimeout(patience)
    },
  }
}

function collect(child: ChildProcess): () => string {
  const chunks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
  }
  return () => chunks.join('')
}

/** Reads the `release` file every JDK carries; a runtime without `javac` does not count. */
async function jdkVersion(home: string): Promise<number | undefined> {
  if (!(await isExecutable(join(home, 'bin', 'javac')))) return undefined
  try {
    const release = await readFile(join(home, 'release'), 'utf8')
    return Number(release.match(/^JAVA_VERSION="(\d+)/m)?.[1]) || undefined
  } catch {
    return undefined
  }
}

async function newestSourceMs(dir: string): Promise<number> {
  const entries = await readdir(join(dir, 'src'), { recursive: true })
  const files = [join(dir, 'pom.xml'), ...entries.map((entry) => join(dir, 'src', entry))]
  return Math.max(...(await Promise.all(files.map(modifiedMs))))
}

/** When a file was last written, 0 when there is none. */
async function modifiedMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}
