package org.unifiedvolume.stack;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;

/// Finds the neighbours of a waiting request: the ones that end where it starts, or start where it
/// ends, and ask for the same. Called under the stack's lock.
///
/// Of several requests that start (or end) at one place, the latest is found.
final class MergeIndex {
    private enum Kind {
        READ,
        WRITE,
        DURABLE_WRITE
    }

    private record Edge(Kind kind, long offsetBytes) {}

    private static final int MAX_PARTS = 64;

    private final long limitBytes;
    private final Map<Edge, Ticket> byStart = new HashMap<>();
    private final Map<Edge, Ticket> byEnd = new HashMap<>();

    /// @param limitBytes how long a merged request may become
    MergeIndex(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    void add(Ticket ticket) {
        Kind kind = kind(ticket.request());
        if (kind != null) {
            byStart.put(new Edge(kind, start(ticket)), ticket);
            byEnd.put(new Edge(kind, end(ticket)), ticket);
        }
    }

    void remove(Ticket ticket) {
        Kind kind = kind(ticket.request());
        if (kind != null) {
            byStart.remove(new Edge(kind, start(ticket)), ticket);
            byEnd.remove(new Edge(kind, end(ticket)), ticket);
        }
    }

    /// The chain of waiting neighbours around `ticket`, itself included, in the order of their
    /// offsets. `ticket` must have been removed before; the others are still in the index.
    List<Ticket> neighbours(Ticket ticket) {
        Kind kind = kind(ticket.request());
        if (kind == null) {
            return List.of(ticket);
        }
        ArrayDeque<Ticket> chain = new ArrayDeque<>();
        chain.add(ticket);
        long total = ticket.request().lengthBytes();
        boolean grown = true;
        while (grown && chain.size() < MAX_PARTS) {
            grown = false;
            Ticket behind = byStart.get(new Edge(kind, end(chain.getLast())));
            if (behind != null && total + behind.request().lengthBytes() <= limitBytes) {
                total += behind.request().lengthBytes();
                chain.addLast(behind);
                grown = true;
            }
            Ticket ahead = byEnd.get(new Edge(kind, start(chain.getFirst())));
            if (ahead != null
                    && chain.size() < MAX_PARTS
                    && total + ahead.request().lengthBytes() <= limitBytes) {
                total += ahead.request().lengthBytes();
                chain.addFirst(ahead);
                grown = true;
            }
        }
        return List.copyOf(chain);
    }

    private static Kind kind(IoRequest request) {
        return switch (request) {
            case Read read -> read.lengthBytes() == 0 ? null : Kind.READ;
            case Write write when write.lengthBytes() == 0 -> null;
            case Write write ->
                    switch (write.durability()) {
                        case VOLATILE -> Kind.WRITE;
                        case DURABLE -> Kind.DURABLE_WRITE;
                    };
            case IoRequest.Zero _,
                    IoRequest.Discard _,
                    IoRequest.Flush _,
                    IoRequest.Prefetch _,
                    IoRequest.Locate _ ->
                    null;
        };
    }

    private static long start(Ticket ticket) {
        return ticket.request().offsetBytes();
    }

    private static long end(Ticket ticket) {
        return ticket.request().offsetBytes() + ticket.request().lengthBytes();
    }
}
