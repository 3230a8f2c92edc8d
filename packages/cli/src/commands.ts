/**
 * Every command, in the order in which help lists them.
 *
 * @module
 */
import type { Command } from './command.ts'
import { check } from './commands/check.ts'
import { config } from './commands/config.ts'
import { fragments } from './commands/fragments.ts'
import { keys } from './commands/keys.ts'
import { links } from './commands/links.ts'
import { menus } from './commands/menus.ts'
import { nodes } from './commands/nodes.ts'
import { reload } from './commands/reload.ts'
import { routes } from './commands/routes.ts'
import { services } from './commands/services.ts'
import { sessions } from './commands/sessions.ts'
import { start } from './commands/start.ts'
import { users } from './commands/users.ts'
import { watch } from './commands/watch.ts'
import { xray } from './commands/xray.ts'

export const COMMANDS: readonly Command[] = [
  start,
  reload,
  services,
  watch,
  routes,
  fragments,
  menus,
  nodes,
  users,
  links,
  sessions,
  keys,
  check,
  config,
  xray,
]
