package org.unifiedvolume.raid.integrity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.SimulatedDisk.Lies;

/// A member with checksums against a model, through kills and power cuts that tear blocks at any
/// 512 bytes, while its checksums do not fit in memory.
///
/// What may be wrong is told as wrong, and nothing else is: a block that nobody was changing when
/// the process or the power ended reads as what it is; one that somebody was changing reads as one
/// of the values that it had, whole, or fails. On a disk that lies any block may fail, and none may
/// read as what it is not.
class IntegrityCrashTest {
    private static final int BLOCK = 4096;
    private static final int SECTOR = 512;
    private static final long DATA = 4L * BLOCK;
    private static final int BLOCKS = 3000; // three blocks of checksums
    private static final int[] HOT = {0, 1, 2, 126, 127, 128, 1015, 1016, 1017, 2031, 2032, 2999};

    @Test
    void honestMembersFailNothingButWhatWasBeingChanged() {
        Seeds.each(
                40,
                "IntegrityCrashTest#honestMembersFailNothingButWhatWasBeingChanged",
                seed -> {
                    try (Run run = new Run(seed, false)) {
                        run.live();
                    }
                });
    }

    @Test
    void membersThatLieAreNeverBelieved() {
        Seeds.each(
                40,
                "IntegrityCrashTest#membersThatLieAreNeverBelieved",
                seed -> {
                    try (Run run = new Run(seed, true)) {
                        run.live();
                    }
                });
    }

    private static final class Run implements AutoCloseable {
        private final Rig rig = new Rig(false);
        private final Random random;
        private final boolean lies;
        private final SimulatedDisk disk;

        /// The values that a power cut may leave in each block.
        private final List<Set<Integer>> allowed = new ArrayList<>();

        /// What was acknowledged last; -1 after a crash that leaves it open.
        private final int[] acknowledged = new int[BLOCKS];

        private final boolean[] underWay = new boolean[BLOCKS];
        private final boolean[] unflushed = new boolean[BLOCKS];
        private IntegrityLayer layer;
        private int values;
        private boolean lied;

        Run(long seed, boolean lies) {
            this.random = new Random(seed * 0x9E3779B97F4A7C15L);
            this.lies = lies;
            this.disk =
                    new SimulatedDisk(
                            "disk",
                            new SimulatedDisk.Size(DATA + (long) BLOCKS * BLOCK, BLOCK, SECTOR),
                            Locality.LOCAL,
                            rig.time,
                            random);
            for (int i = 0; i < BLOCKS; i++) {
                allowed.add(new HashSet<>(Set.of(0)));
            }
        }

        void live() {
            for (int life = 0; life < 5; life++) {
                open();
                verify(life > 0);
                disk.setFaults(lies ? Faults.NONE.lying(new Lies(0.05, 0.05, 1)) : Faults.NONE);
                lied |= lies;
                for (int i = 20 + random.nextInt(60); i > 0; i--) {
                    act();
                    rig.time.advance(random.nextLong(3_000_000));
                }
                disk.setFaults(Faults.NONE);
                crash();
            }
            open();
            verify(true);
        }

        private void open() {
            layer =
                    new IntegrityLayer(
                            disk.open(rig.io),
                            rig.io,
                            new UUID(8, 9),
                            new IntegrityLayer.Places(DATA, (long) BLOCKS * BLOCK, 0, true),
                            Doubt.NONE,
                            () -> false,
                            2);
        }

        private static long offset(int block) {
            return DATA + (long) block * BLOCK;
        }

        private byte[] bytes(int value, int count) {
            byte[] bytes = new byte[count * BLOCK];
            for (ByteBuffer words = ByteBuffer.wrap(bytes); words.hasRemaining(); ) {
                words.putInt(value);
            }
            return bytes;
        }

        private void act() {
            int block = HOT[random.nextInt(HOT.length)];
            int count = Math.min(BLOCKS - block, 1 + random.nextInt(3));
            switch (random.nextInt(8)) {
                case 0 -> flush();
                case 1, 2 -> read(block, count);
                case 3 -> change(block, count, 0);
                default -> change(block, count, ++values);
            }
        }

        private void change(int block, int count, int value) {
            for (int i = block; i < block + count; i++) {
                if (underWay[i]) {
                    return; // the array lets one change after another through
                }
            }
            for (int i = block; i < block + count; i++) {
                underWay[i] = true;
                unflushed[i] = true;
                allowed.get(i).add(value);
            }
            long length = (long) count * BLOCK;
            IoRequest request =
                    value == 0 && random.nextBoolean()
                            ? new IoRequest.Zero(
                                    rig.tag(layer, Operation.ZERO, offset(block), length),
                                    offset(block),
                                    length,
                                    true,
                                    false,
                                    Durability.VOLATILE)
                            : rig.writeOf(layer, offset(block), bytes(value, count));
            IntegrityLayer asked = layer;
            layer.submit(
                    request,
                    (_, outcome) -> {
                        if (asked == layer && outcome.isSuccess()) {
                            for (int i = block; i < block + count; i++) {
                                underWay[i] = false;
                                acknowledged[i] = value;
                            }
                        }
                    });
        }

        private void flush() {
            boolean[] covered = new boolean[BLOCKS];
            for (int block = 0; block < BLOCKS; block++) {
                covered[block] = unflushed[block] && !underWay[block];
            }
            assertTrue(rig.flush(layer).isSuccess());
            for (int block = 0; block < BLOCKS; block++) {
                if (covered[block]) {
                    unflushed[block] = false;
                    allowed.get(block).clear();
                    allowed.get(block).add(acknowledged[block]);
                }
            }
        }

        private Outcome call(int block, int count) {
            long length = (long) count * BLOCK;
            return rig.call(
                    layer,
                    new IoRequest.Read(
                            rig.tag(layer, Operation.READ, offset(block), length),
                            offset(block),
                            length));
        }

        private void read(int block, int count) {
            check(block, count, false);
        }

        private void check(int block, int count, boolean afterCrash) {
            switch (call(block, count)) {
                case Outcome.Data(Buffers buffers) -> {
                    byte[] found = buffers.toBytes();
                    buffers.release();
                    for (int i = 0; i < count; i++) {
                        checkFound(
                                block + i, Arrays.copyOfRange(found, i * BLOCK, (i + 1) * BLOCK));
                    }
                }
                case Outcome.Failed(var fault) -> {
                    boolean mayFail = lied;
                    for (int i = block; i < block + count; i++) {
                        mayFail |= afterCrash && unflushed[i];
                    }
                    assertTrue(mayFail, "block " + block + ": " + fault.getMessage());
                }
                case Outcome other -> throw new AssertionError(other);
            }
        }

        private void checkFound(int block, byte[] found) {
            int value = ByteBuffer.wrap(found).getInt(0);
            assertTrue(Arrays.equals(bytes(value, 1), found), "block " + block + " is torn");
            boolean isOpen = underWay[block] || acknowledged[block] < 0;
            assertTrue(
                    isOpen ? allowed.get(block).contains(value) : acknowledged[block] == value,
                    "block %d holds %d, not %d or one of %s"
                            .formatted(block, value, acknowledged[block], allowed.get(block)));
        }

        private void crash() {
            IntegrityLayer gone = layer;
            layer = null;
            boolean isKill = random.nextInt(3) == 0;
            if (isKill) {
                disk.processEnds();
                for (int block = 0; block < BLOCKS; block++) {
                    unflushed[block] &= underWay[block];
                }
            } else {
                disk.powerCut();
            }
            rig.time.runUntilIdle();
            assertEquals(0, gone.underWayCount());
            for (int block = 0; block < BLOCKS; block++) {
                underWay[block] = false;
                acknowledged[block] = unflushed[block] ? -1 : acknowledged[block];
            }
        }

        /// All is as it may be; what failed is written anew, as an array would.
        private void verify(boolean afterCrash) {
            for (int block : HOT) {
                for (int i = block; i < Math.min(BLOCKS, block + 3); i++) {
                    check(i, 1, afterCrash);
                }
            }
            for (int block : HOT) {
                for (int i = block; i < Math.min(BLOCKS, block + 3); i++) {
                    int value = ++values;
                    assertTrue(rig.write(layer, offset(i), bytes(value, 1)).isSuccess());
                    allowed.get(i).clear();
                    allowed.get(i).add(value);
                    acknowledged[i] = value;
                    unflushed[i] = false;
                }
            }
            assertTrue(rig.flush(layer).isSuccess());
        }

        @Override
        public void close() {
            rig.time.runUntilIdle();
            rig.close();
        }
    }
}
