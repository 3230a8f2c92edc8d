/**
 * Menus: navigation items a service contributes, and the assembled menu with the state of each item.
 *
 * @module
 */
import { z } from 'zod'
import { required } from './required.ts'

/** One item as a service declares it; Medusa's shape plus what a good menu needs. */
export const menuItem = z.object({
  endpoint: z.string(required('endpoint')).min(1).max(2048).describe('Path the item leads to.'),
  label: z.string(required('label')).min(1).max(256).describe('Text a visitor reads.'),
  icon: z.string().max(256).optional().describe('Name of an icon; its meaning belongs to the page.'),
  order: z.number().optional().describe('Position; items without one come after, by label.'),
})
export type MenuItem = z.output<typeof menuItem>

export const menuItems = z.record(z.string().min(1).max(128), z.array(menuItem).max(10_000))
export type MenuItems = z.output<typeof menuItems>

/** One item of an assembled menu. */
export const menuEntry = menuItem.extend({
  service: z.string().describe('Service that contributed the item.'),
  available: z.boolean().describe('False while no instance of the service serves.'),
})
export type MenuEntry = z.output<typeof menuEntry>

/** Assembled menus by name. */
export const menus = z.record(z.string(), z.array(menuEntry))
export type Menus = z.output<typeof menus>
