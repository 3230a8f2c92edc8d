/**
 * Looks for the programs tests need from the system: `node tools/need.ts chromium redis-server`.
 *
 * As root on Debian a missing one is installed with apt; elsewhere the run stops with one sentence.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Program → Debian package, and the variable that names another place for it. */
const KNOWN: Record<string, { readonly package: string; readonly variable: string }> = {
  chromium: { package: 'chromium', variable: 'HYDRA_CHROMIUM' },
  'redis-server': { package: 'redis-server', variable: 'HYDRA_REDIS_SERVER' },
}

const missing = process.argv.slice(2).filter((program) => !find(program))
if (missing.length > 0) {
  const packages = missing.map((program) => KNOWN[program]?.package ?? program).join(' ')
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) stop(packages)
  console.log(`Installing ${packages} with apt, which the tests need.`)
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  if (!apt('update') || !apt('install', '-y', '--no-install-recommends', ...packages.split(' ')))
    stop(packages)
}

function find(program: string): boolean {
  const given = process.env[KNOWN[program]?.variable ?? '']
  const places = given
    ? [given]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, program))
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function stop(packages: string): never {
  console.error(
    `The tests need ${missing.join(' and ')}: install it first, on Debian with "sudo apt-get install ${packages}".`,
  )
  process.exit(1)
}
