package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.Outcome;

/// Levels with parity whose data carry checksums: what has gone wrong silently is found and healed,
/// also where an unclean stop has left doubt, and nothing is computed that nobody wrote.
class StripesWithChecksumsTest {
    private static final int BLOCK_BYTES = VolumeSimulation.BLOCK_BYTES;
    private static final int SECTOR_BYTES = 512;
    private static final int LEG_BLOCKS = 64;
    private static final int CUTS = 16;
    private static final int DATA_LEGS = 3;
    private static final int CHUNK_BLOCKS = 2;
    private static final int STRIPE_BLOCKS = DATA_LEGS * CHUNK_BLOCKS;
    private static final int BLOCKS = DATA_LEGS * LEG_BLOCKS;

    private static MembersLab lab(int parities) throws IOException {
        int[] blocks = new int[DATA_LEGS + parities];
        Arrays.fill(blocks, LEG_BLOCKS);
        return new MembersLab(parities, DATA_LEGS + parities, MetadataPlace.START, blocks)
                .inChunks(CHUNK_BLOCKS)
                .withChecksums()
                .start();
    }

    /// What a block holds: unlike any sum of others.
    private static byte[] bytes(int block, int generation) {
        byte[] bytes = new byte[BLOCK_BYTES];
        new Random(31L * block + generation).nextBytes(bytes);
        return bytes;
    }

    private static byte[] stripe(int first, int generation) {
        byte[] all = new byte[STRIPE_BLOCKS * BLOCK_BYTES];
        for (int i = 0; i < STRIPE_BLOCKS; i++) {
            System.arraycopy(bytes(first + i, generation), 0, all, i * BLOCK_BYTES, BLOCK_BYTES);
        }
        return all;
    }

    private static void writeAll(MembersLab lab, int generation) {
        for (int first = 0; first < BLOCKS; first += STRIPE_BLOCKS) {
            assertInstanceOf(
                    Outcome.Done.class,
                    lab.rig()
                            .write(
                                    lab.array(),
                                    (long) first * BLOCK_BYTES,
                                    stripe(first, generation)));
        }
        lab.flush();
    }

    private static byte[] read(MembersLab lab, int block) {
        return lab.rig().read(lab.array(), (long) block * BLOCK_BYTES, BLOCK_BYTES);
    }

    /// Begins to write whole stripes anew, which no journal has, and cuts the power.
    private static void cutWhileStripesAreWritten(MembersLab lab, int steps) {
        for (int first = 0; first < BLOCKS; first += STRIPE_BLOCKS) {
            long offset = (long) first * BLOCK_BYTES;
            lab.array()
                    .submit(lab.rig().writeOf(lab.array(), offset, stripe(first, 2)), (_, _) -> {});
        }
        for (int i = 0; i < steps; i++) {
            lab.rig().time.step();
        }
        lab.powerCut();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatWasCutOffIsOldOrNew(int parities) throws IOException {
        int torn = 0;
        for (int cut = 0; cut < CUTS; cut++) {
            try (MembersLab lab = lab(parities)) {
                assertTrue(lab.comesOnline());
                writeAll(lab, 1);
                cutWhileStripesAreWritten(lab, cut * 7);
                lab.start();
                for (int block = 0; block < BLOCKS; block++) {
                    torn += countNew(read(lab, block), block);
                }
                assertTrue(lab.comesOnline());
                checkScrubFindsNothing(lab);
            }
        }
        int sectors = CUTS * BLOCKS * (BLOCK_BYTES / SECTOR_BYTES);
        assertTrue(torn > sectors / 20 && torn < sectors - sectors / 20, torn + " of " + sectors);
    }

    /// How many sectors of a block are new; fails if one is neither old nor new.
    private static int countNew(byte[] found, int block) {
        byte[] old = bytes(block, 1);
        byte[] fresh = bytes(block, 2);
        int count = 0;
        for (int at = 0; at < BLOCK_BYTES; at += SECTOR_BYTES) {
            int end = at + SECTOR_BYTES;
            boolean isNew = Arrays.equals(found, at, end, fresh, at, end);
            assertTrue(
                    isNew || Arrays.equals(found, at, end, old, at, end),
                    "block " + block + " holds what nobody wrote, from byte " + at + " on");
            count += isNew ? 1 : 0;
        }
        return count;
    }

    private static void checkScrubFindsNothing(MembersLab lab) throws IOException {
        lab.array().scrub(false, 0);
        lab.sleep(10_000_000_000L);
        Map<?, ?> scrub = (Map<?, ?>) ((List<?>) lab.array().detail().get("jobs")).getLast();
        assertEquals(true, scrub.get("ended"), scrub::toString);
        assertEquals(0L, scrub.get("wrong"), scrub::toString);
    }

    /// All blocks are in doubt, as a bit of the bitmap stands for more of them than there are.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rotIsHealedWhereAnUncleanStopHasLeftDoubt(int parities) throws IOException {
        try (MembersLab lab = lab(parities)) {
            assertTrue(lab.comesOnline());
            writeAll(lab, 1);
            rot(lab, parities);
            lab.kill();
            lab.start();
            assertTrue(lab.array().roles().isMeasured());
            for (int block = 0; block < BLOCKS; block++) {
                assertArrayEquals(bytes(block, 1), read(lab, block), "block " + block);
            }
            assertTrue(lab.comesOnline());
            checkScrubFindsNothing(lab);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rotIsHealedByTheResyncAlone(int parities) throws IOException {
        try (MembersLab lab = lab(parities)) {
            assertTrue(lab.comesOnline());
            writeAll(lab, 1);
            rot(lab, parities);
            lab.kill();
            lab.start();
            assertTrue(lab.comesOnline());
            checkScrubFindsNothing(lab);
            for (int block = 0; block < BLOCKS; block++) {
                assertArrayEquals(bytes(block, 1), read(lab, block), "block " + block);
            }
        }
    }

    /// A change of a neighbour must not take a block for good that is not.
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aChangeOfAStripeInDoubtDoesNotSpreadRot(int parities) throws IOException {
        try (MembersLab lab = lab(parities)) {
            assertTrue(lab.comesOnline());
            writeAll(lab, 1);
            rot(lab, parities);
            lab.kill();
            lab.start();
            for (int block = 0; block < BLOCKS; block += STRIPE_BLOCKS) {
                assertInstanceOf(
                        Outcome.Done.class,
                        lab.rig().write(lab.array(), (long) block * BLOCK_BYTES, bytes(block, 2)));
            }
            for (int lost = 0; lost < parities; lost++) {
                lab.array().fail("disk" + lost);
            }
            for (int block = 0; block < BLOCKS; block++) {
                int generation = block % STRIPE_BLOCKS == 0 ? 2 : 1;
                assertArrayEquals(bytes(block, generation), read(lab, block), "block " + block);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rotIsHealedOnRead(int parities) throws IOException {
        try (MembersLab lab = lab(parities)) {
            assertTrue(lab.comesOnline());
            writeAll(lab, 1);
            rot(lab, parities);
            for (int block = 0; block < BLOCKS; block++) {
                assertArrayEquals(bytes(block, 1), read(lab, block), "block " + block);
            }
            lab.sleep(10_000_000_000L);
            lab.array().scrub(true, 0); // parity that nobody has read
            lab.sleep(10_000_000_000L);
            checkScrubFindsNothing(lab);
        }
    }

    /// Each stripe has as many rotten blocks as it can bear, in every second row.
    private static void rot(MembersLab lab, int parities) {
        int legs = DATA_LEGS + parities;
        long size = lab.disk(0).size().sizeBytes();
        long data = size - (long) LEG_BLOCKS * BLOCK_BYTES;
        data += -data & ((64 << 10) - 1); // where data may begin
        for (int row = 0; data + (long) row * BLOCK_BYTES < size; row += 2) {
            for (int i = 0; i < parities; i++) {
                lab.disk((row / 2 + i) % legs).rot(data + (long) row * BLOCK_BYTES);
            }
        }
    }
}
