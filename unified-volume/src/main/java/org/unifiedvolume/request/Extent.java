package org.unifiedvolume.request;

import java.util.List;

/// A run of bytes of one kind.
///
/// @param lengthBytes at least 1
/// @param kind what a reader finds there
public record Extent(long lengthBytes, Kind kind) {
    /// What is known of a run of bytes.
    public enum Kind {
        /// Allocated; may hold anything.
        DATA(false, false),
        /// Allocated, and reads as zeroes.
        ZERO(false, true),
        /// Takes no space, and reads as zeroes.
        HOLE(true, true),
        /// Takes no space; what it reads as is not promised.
        UNDEFINED(true, false);

        private final boolean unallocated;
        private final boolean zero;

        Kind(boolean unallocated, boolean zero) {
            this.unallocated = unallocated;
            this.zero = zero;
        }

        /// Whether the run takes no space (NBD's `NBD_STATE_HOLE`).
        public boolean isUnallocated() {
            return unallocated;
        }

        /// Whether the run reads as zeroes (NBD's `NBD_STATE_ZERO`).
        public boolean readsZero() {
            return zero;
        }

        public static Kind of(boolean unallocated, boolean zero) {
            if (unallocated) {
                return zero ? HOLE : UNDEFINED;
            }
            return zero ? ZERO : DATA;
        }
    }

    /// Puts this run at the end of others; one run with the last of them if that is of its kind.
    public void appendTo(List<Extent> all) {
        if (!all.isEmpty() && all.getLast().kind() == kind) {
            long joined = all.removeLast().lengthBytes() + lengthBytes;
            all.add(new Extent(joined, kind));
        } else {
            all.add(this);
        }
    }
}
