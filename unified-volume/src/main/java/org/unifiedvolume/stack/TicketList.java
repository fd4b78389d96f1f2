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
