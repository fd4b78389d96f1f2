package org.unifiedvolume.stack;

/// First in, first out.
final class FifoOrder implements OrderPolicy {
    private final TicketList waiting = new TicketList();

    @Override
    public void add(Ticket ticket) {
        ticket.inPolicy = waiting.addLast(ticket);
    }

    @Override
    public Ticket next() {
        Ticket ticket = waiting.first();
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
