/**
 * Checks the files a gateway is deployed with: what they name exists, settings are settings, and a stop is given the
 * time it takes. It needs neither Docker nor a cluster, and proves nothing of either.
 *
 * Prints every fault, and exits 1. Run: node --conditions=hydra-source tools/check-deploy.ts [--root DIRECTORY]
 *
 * @module
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checkCompose } from './deploy/compose.ts'
import { checkDockerfile } from './deploy/dockerfile.ts'
import { type Files, filesIn, type Report } from './deploy/files.ts'
import { checkKubernetes } from './deploy/kubernetes.ts'
import { checkSystemd } from './deploy/systemd.ts'

const CHECKS: Readonly<Record<string, (files: Files, report: Report) => void>> = {
  Dockerfile: checkDockerfile,
  'compose.yaml': checkCompose,
  'deploy/kubernetes': checkKubernetes,
  'deploy/systemd': checkSystemd,
}

const { values } = parseArgs({ options: { root: { type: 'string' } } })
const files = filesIn(resolve(values.root ?? resolve(import.meta.dirname, '..')))
const faults: string[] = []
for (const [place, check] of Object.entries(CHECKS))
  check(files, (fault) => faults.push(`${place}: ${fault}`))

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log('deployment: every file and setting that is named exists')
