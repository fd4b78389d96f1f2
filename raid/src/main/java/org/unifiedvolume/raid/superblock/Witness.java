package org.unifiedvolume.raid.superblock;

import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32C;

/// What this host remembers of an array: the last state that it was in here.
///
/// It lets an array start without legs that could have gone on alone: nobody else had it since.
public record Witness(UUID array, Epoch epoch, long events) {
    private static final long MAGIC = 0x55564f4c57495431L; // UVOLWIT1
    private static final int LENGTH_BYTES = 8 + 16 + 16 + 8 + 4;

    public byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(LENGTH_BYTES);
        out.putLong(MAGIC);
        out.putLong(array.getMostSignificantBits()).putLong(array.getLeastSignificantBits());
        out.putLong(epoch.number()).putLong(epoch.id()).putLong(events);
        out.putInt(checksum(out.array()));
        return out.array();
    }

    /// What a host remembers; null if the bytes are not what they should be, as a host that
    /// remembers nothing only asks for more.
    public static Witness decode(byte[] bytes) {
        if (bytes == null || bytes.length != LENGTH_BYTES) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (in.getLong() != MAGIC || in.getInt(LENGTH_BYTES - Integer.BYTES) != checksum(bytes)) {
            return null;
        }
        UUID array = new UUID(in.getLong(), in.getLong());
        return new Witness(array, new Epoch(in.getLong(), in.getLong()), in.getLong());
    }

    private static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, LENGTH_BYTES - Integer.BYTES);
        return (int) crc.getValue();
    }
}
