package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;

/// The legs of one stripe by position, and what they are good for: a picture taken once for a
/// request.
///
/// Positions are the data indexes, then P, then Q. A set of positions is a bit mask.
final class StripeLegs {
    private final ParityGeometry geometry;
    private final Roles roles;
    private final long stripe;
    private final long writable;
    private long readable;

    StripeLegs(ParityGeometry geometry, Roles roles, long stripe) {
        this.geometry = geometry;
        this.roles = roles;
        this.stripe = stripe;
        long mayRead = 0;
        long mayWrite = 0;
        for (int position = 0; position < count(); position++) {
            int role = role(position);
            mayRead |= roles.isComplete(role) ? 1L << position : 0;
            mayWrite |= roles.isWritable(role) ? 1L << position : 0;
        }
        this.readable = mayRead;
        this.writable = mayWrite;
    }

    int dataCount() {
        return geometry.dataCount();
    }

    /// How many positions there are.
    int count() {
        return geometry.memberCount();
    }

    /// All data.
    long data() {
        return (1L << dataCount()) - 1;
    }

    /// All positions.
    long all() {
        return count() == Long.SIZE ? -1 : (1L << count()) - 1;
    }

    int role(int position) {
        int data = geometry.dataCount();
        if (position < data) {
            return geometry.memberOfData(stripe, position);
        }
        return position == data ? geometry.memberOfP(stripe) : geometry.memberOfQ(stripe);
    }

    /// The position of a leg.
    int positionOf(int role) {
        int data = geometry.dataIndexOf(stripe, role);
        if (data >= 0) {
            return data;
        }
        return role == geometry.memberOfP(stripe) ? dataCount() : dataCount() + 1;
    }

    Leg leg(int position) {
        return roles.leg(role(position));
    }

    /// The positions that may be read.
    long readable() {
        return readable;
    }

    boolean isReadable(int position) {
        return (readable >> position & 1) != 0;
    }

    /// The positions that take changes.
    long writable() {
        return writable;
    }

    /// A position cannot be read, or must not count.
    void exclude(int position) {
        readable &= ~(1L << position);
    }

    /// What has to be read to know all data: what is readable of it, and a parity for each chunk
    /// that is not; 0 if too few are left.
    long enoughForData() {
        int missing = Long.bitCount(data() & ~readable);
        long found = data() & readable;
        for (int parity = dataCount(); parity < count() && missing > 0; parity++) {
            if (isReadable(parity)) {
                found |= 1L << parity;
                missing--;
            }
        }
        return missing > 0 ? 0 : found;
    }
}
