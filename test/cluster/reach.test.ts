import { prove } from './faults/prove.ts'
import { comeAndGo, elsewhere, oneIdentity, REACH_CONFIG, silentDeath } from './faults/reach.ts'

prove([comeAndGo, silentDeath, elsewhere, oneIdentity], { config: REACH_CONFIG })
