package org.unifiedvolume.raid.stripe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// The first block of an entry: what the blocks behind it are.
///
/// `docs/on-disk-format.md`, "Journal".
///
/// @param sequence one more than that of the entry before
/// @param oldest the sequence number of the oldest entry that still counts
/// @param records what is changed, in the order of the blocks
record JournalHeader(UUID array, long generation, long sequence, long oldest, List<Item> records) {
    static final int BYTES = 4096;
    static final int MOST_RECORDS = 126;

    /// A revoking record's role: whatever leg it is.
    static final int ALL_ROLES = -1;

    private static final long MAGIC = JournalHead.magic("UVOLJRNL");
    private static final int CHECKSUM_AT = 8;
    private static final int FLAG_REVOKES = 1;
    private static final int FLAG_ZEROES = 2;
    private static final int FLAG_RESHAPES = 4;
    private static final int MOST_ROLES = 64;

    /// What a record says of its rows.
    enum Kind {
        /// They get the blocks that follow.
        BLOCKS(0),
        /// Whatever entries before this one say of them counts no more.
        REVOKES(FLAG_REVOKES),
        /// They become zeroes.
        ZEROES(FLAG_ZEROES),
        /// With this entry they have a new shape, as all rows before them have: that of an array of
        /// as many roles as the record's role says.
        RESHAPES(FLAG_RESHAPES);

        private final int flags;

        Kind(int flags) {
            this.flags = flags;
        }

        static Kind of(int flags) {
            for (Kind kind : values()) {
                if (kind.flags == flags) {
                    return kind;
                }
            }
            return null;
        }
    }

    /// A record of an entry.
    ///
    /// @param row the first row, counted from the start of the legs' data areas
    /// @param checksum the CRC32C of its blocks; 0 if there are none
    record Item(int role, Kind kind, long row, long lengthBytes, int checksum) {
        long endRow() {
            return row + lengthBytes;
        }

        /// How many bytes of blocks stand behind the header for it.
        long blockBytes() {
            return kind == Kind.BLOCKS ? lengthBytes : 0;
        }

        private boolean isSound() {
            return kind != null
                    && row >= 0
                    && lengthBytes > 0
                    && lengthBytes <= Long.MAX_VALUE - row
                    && switch (kind) {
                        case REVOKES -> role == ALL_ROLES;
                        case RESHAPES -> role > 0 && role <= MOST_ROLES;
                        case BLOCKS, ZEROES -> role >= 0 && role < MOST_ROLES;
                    };
        }
    }

    JournalHeader {
        records = List.copyOf(records);
    }

    /// The length of an entry with its header.
    static long lengthBytes(long blockBytes) {
        return BYTES + (blockBytes + BYTES - 1) / BYTES * BYTES;
    }

    long lengthBytes() {
        long sum = 0;
        for (Item item : records) {
            sum += item.blockBytes();
        }
        return lengthBytes(sum);
    }

    /// Writes the header at the start of 4096 bytes.
    void encode(ByteBuffer target) {
        ByteBuffer out = target.slice(0, BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(MAGIC).putInt(0).putInt(records.size());
        out.order(ByteOrder.BIG_ENDIAN)
                .putLong(array.getMostSignificantBits())
                .putLong(array.getLeastSignificantBits())
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(sequence).putLong(oldest).putLong(lengthBytes()).putLong(generation);
        for (Item item : records) {
            out.putInt(item.role).putInt(item.kind.flags).putLong(item.row);
            out.putLong(item.lengthBytes).putInt(item.checksum).putInt(0);
        }
        while (out.hasRemaining()) {
            out.putLong(0);
        }
        out.putInt(CHECKSUM_AT, JournalHead.checksum(out));
    }

    /// Null if these bytes are no header of an entry of this array's journal.
    static JournalHeader decode(ByteBuffer bytes, UUID array) {
        if (bytes.remaining() < BYTES) {
            return null;
        }
        ByteBuffer in = bytes.slice(bytes.position(), BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (in.getLong() != MAGIC || in.getInt() != JournalHead.checksum(in)) {
            return null;
        }
        int count = in.getInt();
        in.order(ByteOrder.BIG_ENDIAN);
        UUID found = new UUID(in.getLong(), in.getLong());
        in.order(ByteOrder.LITTLE_ENDIAN);
        if (count < 0 || count > MOST_RECORDS || !found.equals(array)) {
            return null;
        }
        long sequence = in.getLong();
        long oldest = in.getLong();
        long length = in.getLong();
        long generation = in.getLong();
        List<Item> records = decodeRecords(in, count, length);
        if (records == null || oldest < 0 || oldest > sequence) {
            return null;
        }
        JournalHeader header = new JournalHeader(array, generation, sequence, oldest, records);
        return header.lengthBytes() == length ? header : null;
    }

    private static List<Item> decodeRecords(ByteBuffer in, int count, long length) {
        List<Item> records = new ArrayList<>(count);
        long left = length;
        for (int i = 0; i < count; i++) {
            Item item =
                    new Item(
                            in.getInt(),
                            Kind.of(in.getInt()),
                            in.getLong(),
                            in.getLong(),
                            in.getInt());
            in.getInt();
            if (!item.isSound() || item.blockBytes() > left) {
                return null;
            }
            left -= item.blockBytes();
            records.add(item);
        }
        return records;
    }
}
