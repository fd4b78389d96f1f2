package org.unifiedvolume.stack;

/// Chooses which of the waiting requests goes next. Called under the stack's lock.
///
/// A policy need not care about starvation: the stack itself lets a request go that has waited too
/// long, whatever the policy says.
public interface OrderPolicy {
    void add(Ticket ticket);

    /// Removes and returns the next one; null if none waits.
    Ticket next();

    /// Removes one out of order: it was merged with a neighbour, or its deadline passed.
    void remove(Ticket ticket);

    /// The policies by the names that users write.
    enum Named {
        /// First in, first out.
        FIFO,
        /// Last in, first out: the freshest request has the most impatient client.
        LIFO,
        /// Reads within half a second, changes within five, otherwise in order (as Linux's
        /// `mq-deadline`).
        DEADLINE,
        /// Each client gets the same share of bytes (deficit round robin).
        FAIR;

        public OrderPolicy create() {
            return switch (this) {
                case FIFO -> new FifoOrder();
                case LIFO -> new LifoOrder();
                case DEADLINE -> new DeadlineOrder();
                case FAIR -> new FairShareOrder();
            };
        }
    }
}
