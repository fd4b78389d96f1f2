package org.unifiedvolume.stack;

/// Reads first, for somebody waits for them; but a change that entered five seconds before a read
/// goes ahead of it, as its time is up when the read's half second is.
///
/// All requests of a kind have the same time, so each kind is a plain queue and the earlier of two
/// heads is the one to serve.
final class DeadlineOrder implements OrderPolicy {
    private static final long READ_NANOS = 500_000_000L;
    private static final long CHANGE_NANOS = 5_000_000_000L;

    private final TicketList reads = new TicketList();
    private final TicketList changes = new TicketList();

    @Override
    public void add(Ticket ticket) {
        ticket.inPolicy = listOf(ticket).addLast(ticket);
    }

    @Override
    public Ticket next() {
        Ticket read = reads.first();
        Ticket change = changes.first();
        Ticket chosen;
        if (read == null || change == null) {
            chosen = read == null ? change : read;
        } else {
            long readDue = read.enteredNanos() + READ_NANOS;
            long changeDue = change.enteredNanos() + CHANGE_NANOS;
            chosen = changeDue - readDue < 0 ? change : read;
        }
        if (chosen != null) {
            remove(chosen);
        }
        return chosen;
    }

    @Override
    public void remove(Ticket ticket) {
        listOf(ticket).remove(ticket.inPolicy);
    }

    private TicketList listOf(Ticket ticket) {
        return switch (ticket.request().tag().operation()) {
            case READ, PREFETCH, LOCATE -> reads;
            case WRITE, ZERO, DISCARD, FLUSH -> changes;
        };
    }
}
