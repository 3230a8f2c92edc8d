/**
 * What the shop sells.
 *
 * @module
 */
export interface Good {
  /** Last part of its address. */
  readonly id: string
  readonly name: string
  readonly about: string
  readonly priceCents: number
  readonly stock: string
}

export const GOODS: readonly Good[] = [
  {
    id: 'watering-can',
    name: 'Watering can, nine litres',
    about:
      'Enamelled steel, a long spout and a rose you can take off. It pours where you point and nowhere else.',
    priceCents: 3800,
    stock: '12 in stock in Ghent, 3 in Leuven.',
  },
  {
    id: 'reed-basket',
    name: 'Reed basket',
    about: 'Woven in one piece from river reed. Carries what the garden gives, and dries by itself.',
    priceCents: 2400,
    stock: '7 in stock in Ghent.',
  },
  {
    id: 'pond-boots',
    name: 'Pond boots',
    about: 'Natural rubber up to the knee, felt inside. For standing in water longer than you meant to.',
    priceCents: 5200,
    stock: '4 pairs in Ghent, 9 in Leuven.',
  },
  {
    id: 'marsh-lamp',
    name: 'Marsh lamp',
    about: 'A storm lantern with a lid that closes. Burns one night on one filling.',
    priceCents: 3100,
    stock: '20 in stock in Leuven.',
  },
  {
    id: 'brass-rose',
    name: 'Fine brass rose',
    about: 'Two hundred holes, drilled by hand. Turns any spout into a summer rain.',
    priceCents: 950,
    stock: '31 in stock in Ghent.',
  },
  {
    id: 'rain-gauge',
    name: 'Rain gauge',
    about: 'Glass, marked in millimetres. Tells you in the morning what you slept through.',
    priceCents: 1450,
    stock: '15 in stock in Ghent, 15 in Leuven.',
  },
]

/** The good with an id, or nothing. */
export function goodOf(id: string): Good | undefined {
  return GOODS.find((good) => good.id === id)
}
