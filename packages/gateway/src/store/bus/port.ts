/**
 * Bus: short messages between the nodes that share a store. What is sent may be lost, or arrive twice after a failover;
 * what must not be lost has a place of its own in the store, and the bus only says that it is there.
 *
 * @module
 */

export interface Bus {
  /** Tells every listener of a topic on every node, this one included. Rejects while the store is away: nothing waits. */
  publish(topic: string, text: string): Promise<void>
  /** Calls back with what is published from now on. Returns the function that ends it. */
  listen(topic: string, onMessage: (text: string) => void): () => void
  close(): Promise<void>
}
