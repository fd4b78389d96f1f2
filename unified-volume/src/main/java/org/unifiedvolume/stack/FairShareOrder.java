package org.unifiedvolume.stack;

import java.util.HashMap;
import java.util.Map;

/// Deficit round robin between clients, in bytes (Shreedhar and Varghese, 1996).
///
/// The clients that have something waiting stand in a ring. A client at its turn gets a quantum; it
/// goes on while its credit covers its next request. A client without waiting requests keeps no
/// credit.
final class FairShareOrder implements OrderPolicy {
    private static final long QUANTUM_BYTES = 64 * 1024;

    /// What a request without payload costs: it keeps the device busy too.
    private static final long LEAST_COST_BYTES = 4096;

    private static final class Share {
        final int client;
        final TicketList waiting = new TicketList();
        long creditBytes;
        Share before;
        Share after;

        Share(int client) {
            this.client = client;
        }
    }

    private final Map<Integer, Share> shares = new HashMap<>();
    private Share turn;

    @Override
    public void add(Ticket ticket) {
        int client = ticket.request().tag().client();
        Share share = shares.get(client);
        if (share == null) {
            share = new Share(client);
            shares.put(client, share);
            enter(share);
        }
        ticket.inPolicy = share.waiting.addLast(ticket);
    }

    @Override
    public Ticket next() {
        if (turn == null) {
            return null;
        }
        while (true) {
            Ticket ticket = turn.waiting.first();
            if (turn.creditBytes >= cost(ticket)) {
                turn.creditBytes -= cost(ticket);
                remove(ticket);
                return ticket;
            }
            turn = turn.after;
            turn.creditBytes += QUANTUM_BYTES;
        }
    }

    @Override
    public void remove(Ticket ticket) {
        Share share = shares.get(ticket.request().tag().client());
        share.waiting.remove(ticket.inPolicy);
        if (share.waiting.isEmpty()) {
            shares.remove(share.client);
            leave(share);
        }
    }

    private static long cost(Ticket ticket) {
        return Math.max(LEAST_COST_BYTES, ticket.request().lengthBytes());
    }

    /// A newcomer stands at the end of the ring: just before the one whose turn it is.
    private void enter(Share share) {
        if (turn == null) {
            share.before = share;
            share.after = share;
            share.creditBytes = QUANTUM_BYTES;
            turn = share;
            return;
        }
        share.before = turn.before;
        share.after = turn;
        turn.before.after = share;
        turn.before = share;
    }

    private void leave(Share share) {
        if (share.after == share) {
            turn = null;
            return;
        }
        share.before.after = share.after;
        share.after.before = share.before;
        if (turn == share) {
            turn = share.after;
            turn.creditBytes += QUANTUM_BYTES;
        }
    }
}
