package org.unifiedvolume.raid.badblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;

class BadBlockSlotsTest {
    private static final UUID MEMBER = new UUID(5, 6);
    private static final long ROWS = 1 << 20;
    private static final int SECTOR = 512;

    private static BadBlocks someLost(int ranges) {
        BadBlocks list = BadBlocks.NONE;
        for (int i = 0; i < ranges; i++) {
            list = list.plus(i * 8192L, 4096);
        }
        return list;
    }

    private static byte[] area(byte[] first, byte[] second) {
        byte[] area = Arrays.copyOf(first, BadBlockSlots.AREA_BYTES);
        System.arraycopy(second, 0, area, BadBlockSlots.SLOT_BYTES, second.length);
        return area;
    }

    @Test
    void theListWithTheHigherNumberCounts() throws DeviceFault {
        byte[] older = BadBlockSlots.encode(MEMBER, 8, someLost(3));
        byte[] newer = BadBlockSlots.encode(MEMBER, 9, someLost(BadBlocks.MAX_RANGES));
        for (byte[] area : new byte[][] {area(older, newer), area(newer, older)}) {
            BadBlockSlots.Found found = BadBlockSlots.decode(MEMBER, area, ROWS);
            assertEquals(someLost(BadBlocks.MAX_RANGES), found.list());
            assertEquals(9, found.sequence());
            assertEquals(area[8] == 9 ? 0 : 1, found.slot());
        }
    }

    @Test
    void aTornWriteLeavesTheListBeforeOrIsWhole() throws DeviceFault {
        byte[] before = BadBlockSlots.encode(MEMBER, 1, someLost(60));
        byte[] spent = new byte[BadBlockSlots.SLOT_BYTES];
        Arrays.fill(spent, (byte) 0x5a); // no sector is as one of the new list
        BadBlocks next = someLost(BadBlocks.MAX_RANGES);
        byte[] written = BadBlockSlots.encode(MEMBER, 2, next);
        int sectors = BadBlockSlots.SLOT_BYTES / SECTOR;
        for (int there = 0; there < 1 << sectors; there++) {
            byte[] torn = spent.clone();
            for (int i = 0; i < sectors; i++) {
                if ((there >> i & 1) != 0) {
                    System.arraycopy(written, i * SECTOR, torn, i * SECTOR, SECTOR);
                }
            }
            BadBlocks expected = there == (1 << sectors) - 1 ? next : someLost(60);
            assertEquals(expected, BadBlockSlots.decode(MEMBER, area(before, torn), ROWS).list());
            assertEquals(expected, BadBlockSlots.decode(MEMBER, area(torn, before), ROWS).list());
        }
    }

    @Test
    void anotherMembersListIsNone() {
        byte[] area = BadBlockSlots.empty(new UUID(5, 7));
        assertThrows(DeviceFault.class, () -> BadBlockSlots.decode(MEMBER, area, ROWS));
    }

    @Test
    void anEmptyAreaOutlivesDamageToEitherSlot() throws DeviceFault {
        for (int slot = 0; slot < 2; slot++) {
            byte[] area = BadBlockSlots.empty(MEMBER);
            area[slot * BadBlockSlots.SLOT_BYTES + 700] ^= 4;
            assertEquals(BadBlocks.NONE, BadBlockSlots.decode(MEMBER, area, ROWS).list());
        }
    }

    @Test
    void rowsThatAreNotThereAreRefused() throws DeviceFault {
        byte[] blank = new byte[BadBlockSlots.SLOT_BYTES];
        byte[] area =
                area(BadBlockSlots.encode(MEMBER, 3, BadBlocks.NONE.plus(ROWS - 10, 10)), blank);
        assertEquals(10, BadBlockSlots.decode(MEMBER, area, ROWS).list().totalBytes());
        assertThrows(DeviceFault.class, () -> BadBlockSlots.decode(MEMBER, area, ROWS - 1));
    }

    @Test
    void bytesThatAreNoListAreRefused() {
        byte[] blank = new byte[BadBlockSlots.AREA_BYTES];
        assertThrows(DeviceFault.class, () -> BadBlockSlots.decode(MEMBER, blank, ROWS));
        assertThrows(DeviceFault.class, () -> BadBlockSlots.decode(MEMBER, new byte[7], ROWS));
    }

    /// Arrays that were made before there were slots have a list of one block, always empty.
    @Test
    void theFormerEmptyListIsOneUntilASlotIsWrittenWhole() throws DeviceFault {
        byte[] former = new byte[BadBlockSlots.AREA_BYTES];
        CRC32C crc = new CRC32C();
        crc.update(former, 4, former.length - 4);
        ByteBuffer.wrap(former).order(ByteOrder.LITTLE_ENDIAN).putInt(0, (int) crc.getValue());
        BadBlockSlots.Found found = BadBlockSlots.decode(MEMBER, former, ROWS);
        assertEquals(BadBlocks.NONE, found.list());
        assertEquals(0, found.slot());
        byte[] written = BadBlockSlots.encode(MEMBER, found.sequence() + 1, someLost(50));
        byte[] area = area(former, written);
        assertEquals(someLost(50), BadBlockSlots.decode(MEMBER, area, ROWS).list());
        area[BadBlockSlots.SLOT_BYTES + SECTOR] ^= 1;
        assertEquals(BadBlocks.NONE, BadBlockSlots.decode(MEMBER, area, ROWS).list());
    }
}
