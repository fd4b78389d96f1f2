package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;

/// RAID 5 and RAID 6 are laid out over more members while they are used: everything that was
/// acknowledged is there at each moment, whatever is killed, cut from power or lost meanwhile.
class ParityReshapeTest {
    /// @param rows how many blocks of each member hold data
    record Shape(int parities, int from, int to, int chunkBlocks, int rows) {
        int dataBlocks() {
            return rows / chunkBlocks * chunkBlocks * (from - parities);
        }

        int grownBlocks() {
            return rows / chunkBlocks * chunkBlocks * (to - parities);
        }

        @Override
        public String toString() {
            return "raid%d from %d to %d, chunks of %d blocks"
                    .formatted(parities + 4, from, to, chunkBlocks);
        }
    }

    static Stream<Shape> shapes() {
        List<Shape> all = new ArrayList<>();
        for (int chunk : new int[] {1, 4, 16}) {
            int rows = chunk == 16 ? 80 : 16;
            all.add(new Shape(1, 3, 4, chunk, rows));
            all.add(new Shape(1, 3, 5, chunk, rows));
            all.add(new Shape(2, 4, 6, chunk, rows));
        }
        all.add(new Shape(1, 4, 5, 2, 24));
        all.add(new Shape(2, 5, 6, 2, 24));
        return all.stream();
    }

    private static MembersLab lab(Shape shape) throws IOException {
        int[] blocks = new int[shape.to];
        java.util.Arrays.fill(blocks, shape.rows);
        MembersLab lab =
                new MembersLab(shape.parities, shape.from, MetadataPlace.START, blocks)
                        .inChunks(shape.chunkBlocks)
                        .using(shape.rows / shape.chunkBlocks * shape.chunkBlocks)
                        .start();
        for (int block = 0; block < shape.dataBlocks(); block++) {
            if (block % 7 != 3) {
                lab.write(block, block * 31 + 1);
            }
        }
        assertTrue(lab.comesOnline());
        return lab;
    }

    private static void widen(MembersLab lab, Shape shape) throws IOException {
        List<LayoutMember> fresh = new ArrayList<>();
        for (int disk = shape.from; disk < shape.to; disk++) {
            fresh.add(lab.member(disk));
        }
        lab.array().extend(fresh, false, 0);
    }

    private static Integer[] added(Shape shape) {
        return java.util.stream.IntStream.range(shape.from, shape.to)
                .boxed()
                .toArray(Integer[]::new);
    }

    private static long blocks(MembersLab lab) {
        return lab.array().shape().sizeBytes() / MembersLab.BLOCK_BYTES;
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void allIsThereAndAnyMemberMayBeLostAfterIt(Shape shape) throws IOException {
        MembersLab lab = lab(shape);
        assertEquals(shape.dataBlocks(), blocks(lab));

        widen(lab, shape);

        assertEquals(shape.dataBlocks(), blocks(lab), "it is not larger before the end");
        assertEquals(State.RESHAPING, lab.array().status().state());
        assertTrue(lab.comesOnline());
        assertEquals(shape.grownBlocks(), blocks(lab));
        lab.verify();
        assertScrubFindsNothing(lab);
        lab.write(shape.grownBlocks() - 1, 77);
        lab.write(shape.dataBlocks(), 78);
        lab.array().close();
        lab.start(added(shape));
        assertEquals(State.ONLINE, lab.array().status().state());
        for (int lost = 0; lost < shape.parities; lost++) {
            lab.array().fail("disk" + (shape.to - 1 - 2 * lost));
        }
        lab.verify();
        lab.close();
    }

    private static void assertScrubFindsNothing(MembersLab lab) throws IOException {
        lab.array().scrub(false, 0);
        lab.sleep(20_000_000_000L);
        Object jobs = lab.array().detail().get("jobs");
        assertTrue(jobs.toString().contains("ended=true"), jobs::toString);
        assertTrue(jobs.toString().contains("wrong=0"), jobs::toString);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aKillAtAnyStepLosesNothing(Shape shape) throws IOException {
        endAtEachStep(shape, false, 0);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aPowerCutAtAnyStepLosesNothing(Shape shape) throws IOException {
        endAtEachStep(shape, true, 0);
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void aPowerCutAtAnyStepWithMembersMissingAfterwardsLosesNothing(Shape shape)
            throws IOException {
        endAtEachStep(shape, true, shape.parities);
    }

    /// @param lost how many members are missing at the start after it
    private static void endAtEachStep(Shape shape, boolean isPowerCut, int lost)
            throws IOException {
        Set<String> states = new HashSet<>();
        int afterwards = 0;
        for (int steps = 0; afterwards < 3; steps += 1 + steps / 5) {
            Random random = new Random(steps);
            MembersLab lab = lab(shape);
            lab.begin(() -> widen(lab, shape));
            for (int i = 0; i < steps; i++) {
                lab.rig().time.step();
                if (i % 64 == 63) {
                    lab.write(random.nextInt(shape.dataBlocks()), random.nextInt());
                    lab.flush();
                }
            }
            boolean hasEnded = blocks(lab) > shape.dataBlocks();
            afterwards += hasEnded ? 1 : 0;
            if (isPowerCut) {
                lab.powerCut();
            } else {
                lab.kill();
            }
            List<Integer> missing = new ArrayList<>();
            for (int i = 0; i < lost; i++) {
                missing.add((steps + i) % shape.to);
            }
            String when = "%s after %d steps".formatted(shape, steps);
            try {
                startAfter(lab, shape, missing);
                lab.verify();
                lab.write(random.nextInt(shape.dataBlocks()), 5);
                boolean isUnderWay = lab.array().detail().containsKey("reshape");
                states.add(blocks(lab) > shape.dataBlocks() ? "ended" : "reshape " + isUnderWay);
                if (lost == 0) {
                    assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
                    if (isUnderWay) {
                        assertEquals(shape.grownBlocks(), blocks(lab));
                    }
                    assertScrubFindsNothing(lab);
                } else {
                    lab.sleep(60_000_000_000L);
                }
                lab.verify();
            } catch (AssertionError | IOException e) {
                throw new AssertionError(when + ": " + e.getMessage(), e);
            }
            lab.close();
        }
        assertEquals(Set.of("ended", "reshape true", "reshape false"), states);
    }

    /// With too few members a start is refused, and is tried again with all.
    private static void startAfter(MembersLab lab, Shape shape, List<Integer> missing)
            throws IOException {
        try {
            lab.start("", missing, added(shape));
        } catch (IOException e) {
            if (missing.isEmpty()) {
                throw e;
            }
            lab.start("", List.of(), added(shape));
        }
    }

    @Test
    void aMemberThatIsLostMeanwhileIsDoneWithoutAndReturns() throws IOException {
        Shape shape = new Shape(1, 3, 4, 2, 60);
        for (int lost = 0; lost < 4; lost++) {
            MembersLab lab = lab(shape);
            widen(lab, shape);
            lab.rig().time.advance(20_000_000);
            lab.array().fail("disk" + lost);
            for (int block = 0; block < shape.dataBlocks(); block += 3) {
                lab.write(block, block + 100);
            }
            lab.verify();
            assertEquals(State.DEGRADED, lab.array().status().state());
            lab.array().readd("disk" + lost, false);
            assertTrue(lab.comesOnline());
            assertEquals(shape.grownBlocks(), blocks(lab));
            assertScrubFindsNothing(lab);
            lab.verify();
            lab.close();
        }
    }

    @Test
    void whatIsTooRiskyIsRefused() throws IOException {
        Shape shape = new Shape(1, 3, 4, 2, 60);
        MembersLab lab = lab(shape);
        lab.array().fail("disk1");
        refuses(lab, shape, "disk1 is not in sync");
        lab.array().readd("disk1", false);
        assertTrue(lab.comesOnline());
        widen(lab, shape);
        refuses(lab, shape, "reshaped already");
        assertTrue(
                assertThrows(
                                IOException.class,
                                () -> lab.array().replace("disk0", lab.member(3), true))
                        .getMessage()
                        .contains("member of it already"));
        assertTrue(lab.comesOnline());
        lab.close();
    }

    private static void refuses(MembersLab lab, Shape shape, String words) {
        String message = assertThrows(IOException.class, () -> widen(lab, shape)).getMessage();
        assertTrue(message.contains(words), message);
    }
}
