package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;
import org.unifiedvolume.raid.superblock.MemberLayout.Wishes;

class SuperblockSlotsTest {
    private static final int SIZE = 4 << 20;
    private static final int SECTORS = Superblock.LENGTH_BYTES / MemoryMember.SECTOR_BYTES;
    private static final Epoch EPOCH = new Epoch(1, 0x1111);
    private static final Epoch LATER = new Epoch(2, 0x2222);

    private final MemoryMember member = new MemoryMember(SIZE, 4096);

    private static Superblock superblock(MetadataPlace place, long events, Epoch epoch) {
        return superblock(SIZE, place, events, epoch);
    }

    private static Superblock superblock(int size, MetadataPlace place, long events, Epoch epoch) {
        Superblock base = Samples.array(1, 2, 0, place);
        MemberAreas areas = MemberLayout.plan(size, place, new Wishes(true, 0, false));
        long rows = areas.data().length();
        ArrayDescription array =
                new ArrayDescription(Samples.ARRAY, "media", 1, 2, 0, rows, rows, 2, 17);
        List<MemberEntry> entries =
                base.members().stream()
                        .map(
                                one ->
                                        new MemberEntry(
                                                one.member(),
                                                one.role(),
                                                one.state(),
                                                0,
                                                Math.max(0, events - 1),
                                                rows,
                                                one.place()))
                        .toList();
        List<Epoch> history = epoch.equals(EPOCH) ? List.of() : List.of(EPOCH);
        return new Superblock(
                array, base.member(), 0, areas, events, epoch, history, 18, false, 0, 0, entries);
    }

    private static long slot(MetadataPlace place, int slot) {
        return MemberLayout.slots(SIZE, place).get(slot).offset();
    }

    private static long eventsOf(MemoryMember of) throws IOException {
        return SuperblockSlots.read(of).current().events();
    }

    private static boolean holds(MemoryMember in, MetadataPlace place, int slot) {
        long at = slot(place, slot);
        return in.bytes()[(int) at] != 0;
    }

    @Test
    void theNewestIsFoundOnEveryBlockSize() throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            for (int block : new int[] {1, 512, 4096}) {
                MemoryMember fresh = new MemoryMember(SIZE + (block == 4096 ? 0 : 512), block);
                SuperblockSlots slots = SuperblockSlots.read(fresh);
                assertNull(slots.current());
                assertEquals("", slots.damage());
                for (int events = 0; events < 5; events++) {
                    slots.write(superblock((int) fresh.sizeBytes(), place, events, EPOCH));
                    assertEquals(events, slots.current().events());
                    assertEquals(events, eventsOf(fresh));
                }
            }
        }
    }

    /// What a slot may hold.
    private enum Slot {
        EMPTY,
        OLD,
        NEW,
        DAMAGED,
        FUTURE,
        UNREADABLE
    }

    private void fill(MemoryMember target, int slot, Slot state) {
        Superblock written = superblock(MetadataPlace.START, state == Slot.NEW ? 8 : 7, EPOCH);
        byte[] bytes = SuperblockCodec.encode(written, slot);
        switch (state) {
            case EMPTY, UNREADABLE -> Arrays.fill(bytes, (byte) 0);
            case DAMAGED -> bytes[5000] ^= 1;
            case FUTURE -> bytes = Samples.patched(bytes, 8, Samples.int4(2));
            case OLD, NEW -> {}
        }
        int at = (int) slot(MetadataPlace.START, slot);
        System.arraycopy(bytes, 0, target.bytes(), at, bytes.length);
        if (state == Slot.UNREADABLE) {
            target.setBad(at);
        }
    }

    @Test
    void everyPairOfSlotsIsJudgedAndTheOnlyGoodOneIsNeverOverwritten() throws IOException {
        for (Slot first : Slot.values()) {
            for (Slot second : Slot.values()) {
                MemoryMember pair = new MemoryMember(SIZE, 512);
                fill(pair, 0, first);
                fill(pair, 1, second);
                String which = first + " and " + second;
                List<Slot> both = List.of(first, second);
                boolean isGood = both.contains(Slot.OLD) || both.contains(Slot.NEW);
                if (!isGood && both.contains(Slot.UNREADABLE)) {
                    assertThrows(IOException.class, () -> SuperblockSlots.read(pair), which);
                    continue;
                }
                SuperblockSlots slots = SuperblockSlots.read(pair);
                if (!isGood || both.contains(Slot.FUTURE)) {
                    assertNull(slots.current(), which);
                    boolean isDamaged = both.contains(Slot.DAMAGED) || both.contains(Slot.FUTURE);
                    assertEquals(isDamaged, !slots.damage().isEmpty(), which);
                    continue;
                }
                long expected = both.contains(Slot.NEW) ? 8 : 7;
                assertEquals(expected, slots.current().events(), which);
                if (!both.contains(Slot.UNREADABLE)) {
                    pair.killAfter(1);
                    assertThrows(
                            IOException.class,
                            () -> slots.write(superblock(MetadataPlace.START, 9, EPOCH)));
                    assertEquals(expected, eventsOf(pair), which);
                }
            }
        }
    }

    @Test
    void aTornWriteLeavesTheOneBeforeAndTheNextWriteMendsIt() throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            for (int sectors = 0; sectors < SECTORS; sectors++) {
                MemoryMember torn = new MemoryMember(SIZE, 512);
                SuperblockSlots slots = SuperblockSlots.read(torn);
                slots.write(superblock(place, 1, EPOCH));
                slots.write(superblock(place, 2, EPOCH));
                torn.killAfter(sectors);
                assertThrows(IOException.class, () -> slots.write(superblock(place, 3, EPOCH)));
                torn.killAfter(Integer.MAX_VALUE);
                // What differs may all be in the first sectors; then the write is whole.
                long found = eventsOf(torn);
                assertTrue(found == 2 || (found == 3 && sectors >= 3), sectors + ": " + found);
                SuperblockSlots next = SuperblockSlots.read(torn);
                next.write(superblock(place, 4, EPOCH));
                assertEquals(4, eventsOf(torn));
                slots.write(superblock(place, 5, EPOCH));
                assertEquals(5, eventsOf(torn));
            }
        }
    }

    @Test
    void damageToOneSlotCannotTakeAnEpochBack() throws IOException {
        SuperblockSlots slots = SuperblockSlots.read(member);
        slots.write(superblock(MetadataPlace.START, 1, EPOCH));
        slots.write(superblock(MetadataPlace.START, 2, EPOCH));
        slots.write(superblock(MetadataPlace.START, 3, LATER));
        for (int slot = 0; slot < 2; slot++) {
            MemoryMember rotten = member.copy();
            rotten.bytes()[(int) slot(MetadataPlace.START, slot) + 200] ^= 1;
            assertEquals(LATER, SuperblockSlots.read(rotten).current().epoch());
            MemoryMember bad = member.copy();
            bad.setBad(slot(MetadataPlace.START, slot));
            assertEquals(LATER, SuperblockSlots.read(bad).current().epoch());
        }
    }

    @Test
    void aKillWhileAnEpochBeginsLeavesAGoodSuperblock() throws IOException {
        for (int sectors = 0; sectors < 2 * SECTORS; sectors++) {
            MemoryMember killed = new MemoryMember(SIZE, 512);
            SuperblockSlots slots = SuperblockSlots.read(killed);
            slots.write(superblock(MetadataPlace.START, 1, EPOCH));
            killed.killAfter(sectors);
            assertThrows(
                    IOException.class,
                    () -> slots.write(superblock(MetadataPlace.START, 2, LATER)));
            killed.killAfter(Integer.MAX_VALUE);
            long found = eventsOf(killed);
            assertTrue(sectors >= SECTORS ? found == 2 : found <= 2, sectors + ": " + found);
            slots.write(superblock(MetadataPlace.START, 3, LATER));
            assertEquals(3, eventsOf(killed));
        }
    }

    @Test
    void aSuperblockWithinTheDataIsNotTheMembersOwn() throws IOException {
        SuperblockSlots.read(member).write(superblock(MetadataPlace.START, 5, EPOCH));
        // An array within the data: its last superblock lies where this member's would.
        byte[] inner =
                SuperblockCodec.encode(
                        superblock(SIZE - (1 << 20), MetadataPlace.END, 99, LATER), 0);
        System.arraycopy(inner, 0, member.bytes(), (int) slot(MetadataPlace.END, 0), inner.length);
        assertEquals(5, eventsOf(member));
        SuperblockSlots.read(member).erase();
        assertTrue(holds(member, MetadataPlace.END, 0), "the inner one is data");

        MemoryMember atEnd = new MemoryMember(SIZE, 4096);
        SuperblockSlots.read(atEnd).write(superblock(MetadataPlace.END, 5, EPOCH));
        byte[] first =
                SuperblockCodec.encode(
                        superblock(SIZE - (1 << 20), MetadataPlace.START, 99, LATER), 0);
        System.arraycopy(first, 0, atEnd.bytes(), 0, first.length);
        assertEquals(5, eventsOf(atEnd));
    }

    @Test
    void aForgedSuperblockInTheDataIsRefusedOrPassedOver() throws IOException {
        SuperblockSlots.read(member).write(superblock(MetadataPlace.START, 5, EPOCH));
        byte[] forged = SuperblockCodec.encode(superblock(MetadataPlace.END, 99, LATER), 0);
        System.arraycopy(
                forged, 0, member.bytes(), (int) slot(MetadataPlace.END, 0), forged.length);
        SuperblockSlots slots = SuperblockSlots.read(member);
        assertNull(slots.current());
        assertTrue(slots.damage().contains("cannot both"), slots.damage());
        assertEquals(5, SuperblockSlots.read(member, MetadataPlace.START).current().events());
        byte[] future = Samples.patched(forged, 8, Samples.int4(2));
        System.arraycopy(
                future, 0, member.bytes(), (int) slot(MetadataPlace.END, 0), future.length);
        assertEquals(5, eventsOf(member));
    }

    @Test
    void aMemberThatWasCutIsNotUsedAndOneThatGrewIs() throws IOException {
        SuperblockSlots.read(member).write(superblock(MetadataPlace.START, 5, EPOCH));
        SuperblockSlots cut = SuperblockSlots.read(member.resized(SIZE - 4096));
        assertNull(cut.current());
        assertTrue(cut.damage().contains("cut off"), cut.damage());
        assertEquals(5, eventsOf(member.resized(SIZE + 4096)));

        MemoryMember atEnd = new MemoryMember(SIZE, 512);
        SuperblockSlots.read(atEnd).write(superblock(MetadataPlace.END, 5, EPOCH));
        assertNull(SuperblockSlots.read(atEnd.resized(SIZE + 65536)).current());
    }

    @Test
    void eraseWipesEverySlotAndTheNewestLast() throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            for (int sectors = 0; sectors <= 2 * SECTORS; sectors++) {
                MemoryMember killed = new MemoryMember(SIZE, 512);
                SuperblockSlots slots = SuperblockSlots.read(killed);
                slots.write(superblock(place, 1, EPOCH));
                slots.write(superblock(place, 2, EPOCH));
                killed.killAfter(sectors);
                if (sectors < 2 * SECTORS) {
                    assertThrows(IOException.class, slots::erase);
                } else {
                    slots.erase();
                }
                SuperblockSlots after = SuperblockSlots.read(killed);
                if (sectors <= SECTORS) {
                    assertEquals(2, after.current().events(), "killed after " + sectors);
                } else if (sectors < 2 * SECTORS) {
                    assertNull(after.current());
                } else {
                    assertNull(after.current());
                    assertEquals("", after.damage());
                    assertArrayEquals(new byte[SIZE], killed.bytes());
                }
            }
        }
    }

    @Test
    void eraseWipesDamagedSlotsAndLeftoversOfAnEarlierArray() throws IOException {
        SuperblockSlots.read(member).write(superblock(MetadataPlace.END, 1, EPOCH));
        Area first = MemberLayout.slots(SIZE, MetadataPlace.START).getFirst();
        byte[] other = SuperblockCodec.encode(superblock(MetadataPlace.START, 9, LATER), 0);
        System.arraycopy(other, 0, member.bytes(), (int) first.offset(), other.length);
        SuperblockSlots.read(member).erase();
        assertArrayEquals(new byte[SIZE], member.bytes());

        SuperblockSlots.read(member).write(superblock(MetadataPlace.START, 1, EPOCH));
        member.bytes()[100] ^= 1;
        member.bytes()[65536 + 100] ^= 1;
        SuperblockSlots damaged = SuperblockSlots.read(member);
        assertFalse(damaged.damage().isEmpty());
        damaged.erase();
        assertArrayEquals(new byte[SIZE], member.bytes());
    }

    @Test
    void membersOfAnySizeAreRead() throws IOException {
        for (int size = 512; size < 400 << 10; size += 512 * 7) {
            SuperblockSlots slots = SuperblockSlots.read(new MemoryMember(size, 512));
            assertNotNull(slots.damage());
            assertNull(slots.current());
        }
    }
}
