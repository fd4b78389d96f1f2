package org.unifiedvolume.raid.badblock;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.request.DeviceFault;

/// How a list lies on its member: two slots, written alternately, so that a write which was torn
/// leaves the list before it (`docs/on-disk-format.md`, "Bad-block list").
public final class BadBlockSlots {
    /// How large the area is.
    public static final int AREA_BYTES = 4096;

    /// How large a slot is.
    public static final int SLOT_BYTES = AREA_BYTES / 2;

    private static final int COUNT_OFFSET = 4;
    private static final int SEQUENCE_OFFSET = 8;
    private static final int RANGES_OFFSET = 16;
    private static final int RANGE_BYTES = 16;

    /// What arrays were given before there were slots: an empty list of one block.
    private static final byte[] FORMER_EMPTY = formerEmpty();

    /// The newest good list of an area.
    ///
    /// @param slot where it is
    /// @param bytes what that slot holds
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    public record Found(BadBlocks list, long sequence, int slot, byte[] bytes) {}

    private BadBlockSlots() {}

    /// The bytes of a slot.
    ///
    /// @param member whose list it is
    /// @param sequence more than that of any other one of the member
    public static byte[] encode(UUID member, long sequence, BadBlocks list) {
        Invariant.check(list.fits(), "a list of %d ranges", list.ranges().size());
        ByteBuffer bytes = ByteBuffer.allocate(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(COUNT_OFFSET, list.ranges().size());
        bytes.putLong(SEQUENCE_OFFSET, sequence);
        bytes.position(RANGES_OFFSET);
        for (BadBlocks.Range range : list.ranges()) {
            bytes.putLong(range.row()).putLong(range.lengthBytes());
        }
        bytes.putInt(0, checksum(member, bytes.array()));
        return bytes.array();
    }

    /// The bytes of the area of a member of which nothing is lost.
    public static byte[] empty(UUID member) {
        byte[] area = Arrays.copyOf(encode(member, 1, BadBlocks.NONE), AREA_BYTES);
        System.arraycopy(encode(member, 2, BadBlocks.NONE), 0, area, SLOT_BYTES, SLOT_BYTES);
        return area;
    }

    /// Reads an area.
    ///
    /// @param area what was read
    /// @param rowBytes how large the member's data area is
    /// @throws DeviceFault if no slot has a list of this member: what is lost there is not known
    public static Found decode(UUID member, byte[] area, long rowBytes) throws DeviceFault {
        if (area.length < AREA_BYTES) {
            throw unusable("has %d bytes instead of %d".formatted(area.length, AREA_BYTES));
        }
        Found best = null;
        DeviceFault why = null;
        for (int slot = 0; slot < AREA_BYTES / SLOT_BYTES; slot++) {
            byte[] bytes = Arrays.copyOfRange(area, slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
            try {
                Found found = decodeSlot(member, slot, bytes, rowBytes);
                if (best == null || found.sequence > best.sequence) {
                    best = found;
                }
            } catch (DeviceFault fault) {
                why = fault;
            }
        }
        if (best == null) {
            throw why;
        }
        return best;
    }

    private static Found decodeSlot(UUID member, int slot, byte[] slotBytes, long rowBytes)
            throws DeviceFault {
        if (slot == 0 && Arrays.equals(slotBytes, FORMER_EMPTY)) {
            return new Found(BadBlocks.NONE, 0, slot, slotBytes);
        }
        ByteBuffer bytes = ByteBuffer.wrap(slotBytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getInt(0) != checksum(member, slotBytes)) {
            throw unusable("has a wrong checksum");
        }
        int count = bytes.getInt(COUNT_OFFSET);
        long sequence = bytes.getLong(SEQUENCE_OFFSET);
        if (count < 0 || count > BadBlocks.MAX_RANGES || sequence <= 0) {
            throw unusable("says that it has %d ranges, as number %d".formatted(count, sequence));
        }
        List<BadBlocks.Range> ranges = new ArrayList<>(count);
        long end = -1;
        for (int i = 0; i < count; i++) {
            int at = RANGES_OFFSET + i * RANGE_BYTES;
            BadBlocks.Range range =
                    new BadBlocks.Range(bytes.getLong(at), bytes.getLong(at + Long.BYTES));
            boolean isWithin =
                    range.row() >= 0
                            && range.lengthBytes() > 0
                            && range.row() <= rowBytes - range.lengthBytes();
            if (!isWithin || range.row() <= end) {
                throw unusable("has a range %d that cannot be".formatted(i));
            }
            ranges.add(range);
            end = range.end();
        }
        return new Found(BadBlocks.of(ranges), sequence, slot, slotBytes);
    }

    private static DeviceFault unusable(String why) {
        return new DeviceFault(DeviceFault.Kind.IO, "the bad-block list " + why);
    }

    /// Bytes of another member do not fit.
    private static int checksum(UUID member, byte[] slot) {
        CRC32C crc = new CRC32C();
        ByteBuffer uuid = ByteBuffer.allocate(2 * Long.BYTES);
        uuid.putLong(member.getMostSignificantBits()).putLong(member.getLeastSignificantBits());
        crc.update(uuid.array());
        crc.update(slot, COUNT_OFFSET, SLOT_BYTES - COUNT_OFFSET);
        return (int) crc.getValue();
    }

    private static byte[] formerEmpty() {
        byte[] area = new byte[AREA_BYTES];
        CRC32C crc = new CRC32C();
        crc.update(area, COUNT_OFFSET, AREA_BYTES - COUNT_OFFSET);
        ByteBuffer.wrap(area).order(ByteOrder.LITTLE_ENDIAN).putInt(0, (int) crc.getValue());
        return Arrays.copyOf(area, SLOT_BYTES);
    }
}
