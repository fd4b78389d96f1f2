package org.unifiedvolume.stack;

/// Last in, first out.
final class LifoOrder implements OrderPolicy {
    private final TicketList waiting = new TicketList();

    @Override
    public void add(Ticket ticket) {
        ticket.inPolicy = waiting.addLast(ticket);
    }

    @Override
    public Ticket next() {
        Ticket ticket = waiting.last();
        if (ticket != null) {
            waiting.remove(ticket.inPolicy);
        }
        return ticket;
    }

    @Override
    public void remove(Ticket ticket) {
        waiting.remove(ticket.inPolicy);
    }
}
