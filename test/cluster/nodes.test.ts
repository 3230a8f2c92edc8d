import { nodeFrozen, nodeKilled, ROLLING_CONFIG, rollingRestart } from './faults/nodes.ts'
import { prove } from './faults/prove.ts'

prove([nodeKilled, nodeFrozen, rollingRestart], { config: ROLLING_CONFIG })
