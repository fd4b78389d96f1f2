package org.unifiedvolume.raid.stripe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.redundant.EngineRig;
import org.unifiedvolume.raid.redundant.LegState;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// Every small geometry with every range: what is written is read, and after each change every
/// complete leg holds exactly what a slow computation says.
class ParityLevelTest {
    private static final int CHUNK = 4096;
    private static final int BLOCK = 2048;
    private static final int JOURNAL = 512 << 10;
    private static final int STRIPES = 3;

    record Shape(int legs, int parities) {
        @Override
        public String toString() {
            return "raid%d over %d".formatted(parities + 4, legs);
        }
    }

    static List<Shape> shapes() {
        List<Shape> all = new ArrayList<>();
        for (int legs = 3; legs <= 6; legs++) {
            all.add(new Shape(legs, 1));
            if (legs >= 4) {
                all.add(new Shape(legs, 2));
            }
        }
        return all;
    }

    /// All combinations of legs that are missing, or being rebuilt, that leave the array working.
    static Stream<List<LegState>> states(Shape shape) {
        List<List<LegState>> all = new ArrayList<>();
        List<LegState> healthy = Collections.nCopies(shape.legs, LegState.IN_SYNC);
        all.add(healthy);
        for (int one = 0; one < shape.legs; one++) {
            for (LegState state : List.of(LegState.STALE, LegState.REBUILDING)) {
                List<LegState> lost = new ArrayList<>(healthy);
                lost.set(one, state);
                all.add(lost);
                for (int other = one + 1; shape.parities == 2 && other < shape.legs; other++) {
                    for (LegState alsoState : List.of(LegState.STALE, LegState.REBUILDING)) {
                        List<LegState> both = new ArrayList<>(lost);
                        both.set(other, alsoState);
                        all.add(both);
                    }
                }
            }
        }
        return all.stream();
    }

    /// An array over memory, with its content known.
    private static final class Fixture implements AutoCloseable {
        private final VirtualTime time = new VirtualTime();
        private final IoContext io = TestProcess.simulated(time, 16 << 20);
        private final ParityGeometry geometry;
        private final List<MemoryDevice> devices = new ArrayList<>();
        private final EngineRig rig;
        private final Asker asker;
        private final byte[] content;
        private final Random random = new Random(42);

        Fixture(Shape shape, List<LegState> states, boolean hasJournal) throws IOException {
            geometry = new ParityGeometry(shape.legs, shape.parities, CHUNK, STRIPES);
            content = new byte[(int) geometry.sizeBytes()];
            random.nextBytes(content);
            byte[][] legs = ExpectedLegs.of(geometry, content);
            JournalPlace[] places = new JournalPlace[shape.legs];
            Arrays.fill(places, new JournalPlace(0, JOURNAL));
            DeviceShape ofLegs =
                    new DeviceShape(
                            JOURNAL + geometry.memberBytes(),
                            512,
                            4096,
                            DeviceShape.UNLIMITED_TRANSFER_BYTES,
                            1,
                            EnumSet.allOf(DeviceShape.Ability.class));
            for (int i = 0; i < shape.legs; i++) {
                MemoryDevice device = new MemoryDevice(ofLegs, Locality.LOCAL, io);
                devices.add(device);
                for (int at = 0; at < legs[i].length; at++) {
                    // A leg that is not complete holds anything.
                    byte value =
                            states.get(i) == LegState.IN_SYNC
                                    ? legs[i][at]
                                    : (byte) random.nextInt();
                    device.content().set(ValueLayout.JAVA_BYTE, JOURNAL + at, value);
                }
            }
            Journal journal =
                    hasJournal
                            ? new Journal(
                                    new UUID(1, 2), places, shape.parities, geometry.memberBytes())
                            : null;
            ParityLevel level =
                    new ParityLevel(geometry, new Parity(ParityKernels.loops()), journal);
            rig =
                    new EngineRig(
                            time,
                            io,
                            devices,
                            states.toArray(LegState[]::new),
                            level,
                            JOURNAL,
                            false);
            rig.begin(true);
            asker = new Asker(rig.array(), io);
        }

        byte[] fresh(int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            return bytes;
        }

        void write(int offset, int length) {
            byte[] bytes = fresh(length);
            System.arraycopy(bytes, 0, content, offset, length);
            asker.done(asker.write(offset, asker.scattered(bytes, 1536), Durability.VOLATILE));
        }

        void zero(int offset, int length) {
            Arrays.fill(content, offset, offset + length, (byte) 0);
            asker.done(asker.zero(offset, length, true, false));
        }

        void checkReads(int offset, int length, String when) {
            byte[] read = asker.bytes(asker.read(offset, length));
            assertArrayEquals(Arrays.copyOfRange(content, offset, offset + length), read, when);
        }

        /// Each complete leg holds what it should.
        void checkLegs(String when) {
            byte[][] expected = ExpectedLegs.of(geometry, content);
            for (int i = 0; i < expected.length; i++) {
                if (rig.isComplete(i)) {
                    byte[] found =
                            devices.get(i)
                                    .content()
                                    .asSlice(JOURNAL, expected[i].length)
                                    .toArray(ValueLayout.JAVA_BYTE);
                    assertArrayEquals(expected[i], found, when + ": leg " + i);
                }
            }
        }

        /// Jobs end, and nothing is left behind.
        void finish(List<LegState> states) {
            time.runUntilIdle();
            for (int i = 0; i < states.size(); i++) {
                assertEquals(states.get(i) != LegState.STALE, rig.isComplete(i), "leg " + i);
            }
            checkLegs("at the end");
            checkReads(0, content.length, "at the end");
            asker.checkAll();
            TestProcess.checkGivenBack(io.pool());
        }

        @Override
        public void close() {
            rig.close();
            TestProcess.checkGivenBack(io.pool());
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void everyRangeIsWrittenAndReadInEveryState(Shape shape) {
        states(shape)
                .forEach(
                        states -> {
                            boolean hasJournal = states.getFirst() != LegState.STALE;
                            try (Fixture it = new Fixture(shape, states, hasJournal)) {
                                sweep(it, states);
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
    }

    private static void sweep(Fixture it, List<LegState> states) {
        int blocks = it.content.length / BLOCK;
        for (int from = 0; from < blocks; from++) {
            for (int to = from + 1; to <= blocks; to++) {
                int offset = from * BLOCK;
                int length = (to - from) * BLOCK;
                String when = "%s, %d bytes at %d".formatted(states, length, offset);
                if ((from + to) % 5 == 0) {
                    it.zero(offset, length);
                } else {
                    it.write(offset, length);
                }
                it.checkReads(offset, length, when);
                it.checkLegs(when);
            }
        }
        it.finish(states);
    }

    @Test
    void oddRangesOfBytesAreWrittenToo() throws IOException {
        Shape shape = new Shape(5, 2);
        List<LegState> states =
                List.of(
                        LegState.IN_SYNC,
                        LegState.STALE,
                        LegState.IN_SYNC,
                        LegState.IN_SYNC,
                        LegState.REBUILDING);
        try (Fixture it = new Fixture(shape, states, true)) {
            Random random = new Random(7);
            for (int i = 0; i < 500; i++) {
                int from = random.nextInt(it.content.length / 512) * 512;
                int length = (1 + random.nextInt((it.content.length - from) / 512)) * 512;
                it.write(from, length);
                it.checkLegs("round " + i);
                it.checkReads(0, it.content.length, "round " + i);
            }
            it.finish(states);
        }
    }

    @Test
    void aReadWithinAChunkIsOneRequestToOneLeg() throws IOException {
        Shape shape = new Shape(4, 1);
        try (Fixture it = new Fixture(shape, Collections.nCopies(4, LegState.IN_SYNC), true)) {
            int before = it.devices.stream().mapToInt(device -> device.asked().size()).sum();
            it.checkReads(CHUNK + 512, 1024, "one chunk");
            int after = it.devices.stream().mapToInt(device -> device.asked().size()).sum();
            assertEquals(1, after - before);
        }
    }

    @Test
    void aWholeStripeIsWrittenWithoutReadingAndWithoutTheJournal() throws IOException {
        Shape shape = new Shape(5, 2);
        try (Fixture it = new Fixture(shape, Collections.nCopies(5, LegState.IN_SYNC), true)) {
            List<Integer> before =
                    it.devices.stream().map(device -> device.asked().size()).toList();
            it.write(0, 2 * 3 * CHUNK);
            for (int i = 0; i < 5; i++) {
                List<IoRequest> asked =
                        it.devices
                                .get(i)
                                .asked()
                                .subList(before.get(i), it.devices.get(i).asked().size());
                assertEquals(1, asked.size(), () -> "asked " + asked);
                assertTrue(asked.getFirst() instanceof IoRequest.Write, () -> "asked " + asked);
                assertEquals(2 * CHUNK, asked.getFirst().lengthBytes());
            }
            it.finish(Collections.nCopies(5, LegState.IN_SYNC));
        }
    }

    @Test
    void scrubFindsAndRepairsWhatDiffers() throws Exception {
        for (Shape shape : shapes()) {
            List<LegState> states = Collections.nCopies(shape.legs, LegState.IN_SYNC);
            try (Fixture it = new Fixture(shape, states, false)) {
                assertEquals(0, it.rig.scrub(false));
                Random random = new Random(3);
                for (int leg = 0; leg < shape.legs; leg++) {
                    int at = JOURNAL + random.nextInt((int) it.geometry.memberBytes());
                    byte was = it.devices.get(leg).content().get(ValueLayout.JAVA_BYTE, at);
                    it.devices
                            .get(leg)
                            .content()
                            .set(ValueLayout.JAVA_BYTE, at, (byte) (was ^ 0x55));
                    assertEquals(4096, it.rig.scrub(false), () -> "found on " + shape);
                    assertEquals(4096, it.rig.scrub(true));
                    assertEquals(0, it.rig.scrub(false), () -> "repaired on " + shape);
                    if (shape.parities == 2) {
                        it.checkLegs("after the repair"); // the leg that was wrong was found
                    } else {
                        it.devices.get(leg).content().set(ValueLayout.JAVA_BYTE, at, was);
                        it.rig.scrub(true);
                        it.checkLegs("as it was");
                    }
                }
            }
        }
    }
}
