package org.unifiedvolume.stack;

/// A doubly linked list of tickets: removal from the middle in constant time.
final class TicketList {
    /// A ticket's place in a list.
    static final class Place {
        private final Ticket ticket;
        private Place before;
        private Place after;

        private Place(Ticket ticket) {
            this.ticket = ticket;
        }
    }

    private Place first;
    private Place last;

    boolean isEmpty() {
        return first == null;
    }

    Ticket first() {
        return first == null ? null : first.ticket;
    }

    Ticket last() {
        return last == null ? null : last.ticket;
    }

    Place addLast(Ticket ticket) {
        Place place = new Place(ticket);
        place.before = last;
        if (last == null) {
            first = place;
        } else {
            last.after = place;
        }
        last = place;
        return place;
    }

    /// Adds a ticket behind those that entered the stack before it: seldom far from the end.
    Place addByAge(Ticket ticket) {
        Place older = last;
        while (older != null && older.ticket.enteredNanos() - ticket.enteredNanos() > 0) {
            older = older.before;
        }
        if (older == last) {
            return addLast(ticket);
        }
        Place place = new Place(ticket);
        place.before = older;
        place.after = older == null ? first : older.after;
        place.after.before = place;
        if (older == null) {
            first = place;
        } else {
            older.after = place;
        }
        return place;
    }

    void remove(Place place) {
        if (place.before == null) {
            first = place.after;
        } else {
            place.before.after = place.after;
        }
        if (place.after == null) {
            last = place.before;
        } else {
            place.after.before = place.before;
        }
    }
}
