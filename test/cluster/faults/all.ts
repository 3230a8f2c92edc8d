/**
 * Every fault there is, with the stage it happens on.
 *
 * @module
 */
import { chaos } from './chaos.ts'
import { clockJumps } from './clock.ts'
import {
  nodeFrozen,
  nodeKilled,
  ROLLING_CONFIG,
  rollingRestart,
  workerFrozen,
  workerKilled,
} from './nodes.ts'
import { comeAndGo, elsewhere, oneIdentity, REACH_CONFIG, silentDeath } from './reach.ts'
import {
  bothCutOff,
  messagesLost,
  nodeStartsAlone,
  oneCutOff,
  primaryFrozen,
  primaryKilled,
  redisEmptied,
  redisFrozen,
  redisStopped,
} from './redis.ts'
import { churn, serviceFrozen, serviceKilled, serviceLeaves } from './services.ts'
import type { StageOptions } from './stage.ts'
import type { Scenario } from './trial.ts'

export interface Staged {
  readonly scenario: Scenario
  readonly stage: StageOptions
}

const SENTINEL: StageOptions = { kind: 'sentinel' }
const WORKERS: StageOptions = { config: { workers: 2 } }
const IDENTITY: StageOptions = { config: REACH_CONFIG }

export const FAULTS: readonly Staged[] = [
  ...[serviceKilled, serviceLeaves, serviceFrozen, churn].map((scenario) => ({ scenario, stage: {} })),
  ...[nodeKilled, nodeFrozen].map((scenario) => ({ scenario, stage: {} })),
  { scenario: rollingRestart, stage: { config: ROLLING_CONFIG } },
  ...[workerKilled, workerFrozen].map((scenario) => ({ scenario, stage: WORKERS })),
  ...[redisStopped, redisFrozen, redisEmptied, bothCutOff, oneCutOff, nodeStartsAlone, messagesLost].map(
    (scenario) => ({
      scenario,
      stage: {},
    }),
  ),
  ...[primaryKilled, primaryFrozen].map((scenario) => ({ scenario, stage: SENTINEL })),
  ...[comeAndGo, silentDeath, elsewhere].map((scenario) => ({ scenario, stage: {} })),
  { scenario: oneIdentity, stage: IDENTITY },
  { scenario: clockJumps, stage: { isBare: true } },
  { scenario: chaos, stage: {} },
]
