package org.unifiedvolume.raid.stripe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;

/// Where a journal begins: the block that a leg's journal area starts with, in one of two slots.
///
/// `docs/on-disk-format.md`, "Journal".
///
/// @param count how many heads were written before this one; its last bit is the slot
/// @param generation changes whenever other legs hold the ring
/// @param holders the roles that hold the ring, as a set
/// @param ringBytes how long the ring is
/// @param sequence the sequence number of the oldest entry that counts
/// @param position where in the ring that one begins, or will begin
record JournalHead(
        UUID array,
        long count,
        long generation,
        long holders,
        long ringBytes,
        long sequence,
        long position) {
    static final int BYTES = 4096;

    /// What precedes the ring in a leg's journal area: both slots.
    static final int SLOTS_BYTES = 2 * BYTES;

    private static final long MAGIC = magic("UVOLJHED");
    private static final int CHECKSUM_AT = 8;

    static long magic(String text) {
        long found = 0;
        for (int i = text.length() - 1; i >= 0; i--) {
            found = (found << Byte.SIZE) | text.charAt(i);
        }
        return found;
    }

    int slot() {
        return (int) (count & 1);
    }

    /// Where in a leg's journal area it is written.
    long slotOffset() {
        return (long) slot() * BYTES;
    }

    byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(MAGIC).putLong(0);
        out.order(ByteOrder.BIG_ENDIAN)
                .putLong(array.getMostSignificantBits())
                .putLong(array.getLeastSignificantBits())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(count).putLong(generation).putLong(holders);
        out.putLong(ringBytes).putLong(sequence).putLong(position);
        out.putInt(CHECKSUM_AT, checksum(out));
        return out.array();
    }

    /// Null if these bytes are no head of this array's journal.
    static JournalHead decode(ByteBuffer bytes, UUID array) {
        if (bytes.remaining() < BYTES) {
            return null;
        }
        ByteBuffer in = bytes.slice(bytes.position(), BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (in.getLong() != MAGIC || in.getInt() != checksum(in)) {
            return null;
        }
        in.getInt();
        in.order(ByteOrder.BIG_ENDIAN);
        UUID found = new UUID(in.getLong(), in.getLong());
        in.order(ByteOrder.LITTLE_ENDIAN);
        JournalHead head =
                new JournalHead(
                        found,
                        in.getLong(),
                        in.getLong(),
                        in.getLong(),
                        in.getLong(),
                        in.getLong(),
                        in.getLong());
        return found.equals(array) && head.isSound() ? head : null;
    }

    private boolean isSound() {
        return count >= 0
                && sequence >= 0
                && ringBytes > 0
                && ringBytes % BYTES == 0
                && position >= 0
                && position < ringBytes
                && position % BYTES == 0;
    }

    /// The CRC32C of a block with its own field as zero.
    static int checksum(ByteBuffer block) {
        CRC32C sum = new CRC32C();
        sum.update(block.slice(0, CHECKSUM_AT));
        sum.update(new byte[Integer.BYTES]);
        int rest = CHECKSUM_AT + Integer.BYTES;
        sum.update(block.slice(rest, BYTES - rest));
        return (int) sum.getValue();
    }
}
