package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.Told;

/// A mirror of two legs, of which the second one gets changes later than these are acknowledged:
/// what it is sent of the data waits at a gate as long as a test wants. Metadata lie behind the
/// data.
class WriteBehindTest {
    private static final int BLOCK = MembersLab.BLOCK_BYTES;

    /// Four regions of the bitmap.
    private static final int BLOCKS = 1024;

    private static final long REGION_BYTES = 1 << 20;
    private static final long MILLI_NANOS = 1_000_000L;
    private static final long SECOND_NANOS = 1_000 * MILLI_NANOS;

    /// In this time leg after leg is in step, and less than its deadline is a moment.
    private static final long REST_NANOS = 8 * SECOND_NANOS;

    private static final long MOMENT_NANOS = 100 * MILLI_NANOS;
    private static final String AHEAD = "disk0";
    private static final String BEHIND = "disk1";
    private static final long BOUND_BYTES = 64 << 10;

    /// What holds changes of data back, or delays each.
    private final class Gate implements TappedDevice.Tap {
        private final List<Runnable> held = new ArrayList<>();
        private boolean isShut;
        private long delayNanos;
        private int reads;

        @Override
        public void submit(BlockDevice below, IoRequest request, Completion done) {
            Operation what = request.tag().operation();
            boolean isData = what != Operation.FLUSH && request.offsetBytes() < BLOCKS * BLOCK;
            reads += isData && what == Operation.READ ? 1 : 0;
            if (!isData || !what.changesData()) {
                below.submit(request, done);
            } else if (isShut) {
                held.add(() -> below.submit(request, done));
            } else if (delayNanos > 0) {
                lab.rig().io.timers().after(delayNanos, () -> below.submit(request, done));
            } else {
                below.submit(request, done);
            }
        }

        void open() {
            isShut = false;
            List<Runnable> all = List.copyOf(held);
            held.clear();
            all.forEach(Runnable::run);
        }
    }

    private final Gate gate = new Gate();
    private MembersLab lab;
    private Asker asker;

    @BeforeEach
    void start() throws IOException {
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS);
        lab.writingBehind(1, BOUND_BYTES, 5 * SECOND_NANOS).tapping(1, gate).start();
        begin();
    }

    @AfterEach
    void end() {
        gate.open();
        lab.close();
    }

    private void begin() {
        assertTrue(lab.comesOnline());
        lab.sleep(REST_NANOS);
        asker = new Asker(lab.array(), lab.rig().io);
        assertEquals("in step", words());
    }

    private void restart(Integer... missing) throws IOException {
        gate.isShut = false;
        gate.held.clear();
        lab.start("", List.of(missing));
    }

    private Told write(int block, int count, int value) {
        byte[] bytes = new byte[count * BLOCK];
        Arrays.fill(bytes, (byte) value);
        return asker.write((long) block * BLOCK, bytes, Durability.VOLATILE);
    }

    private void isTold(Told told) {
        assertTrue(told.isTold(), "not answered");
        assertInstanceOf(Outcome.Done.class, told.await());
    }

    private String words() {
        return lab.status(BEHIND).reason();
    }

    private Map<?, ?> detail() {
        List<?> legs = (List<?>) lab.array().detail().get("legs");
        return (Map<?, ?>) ((Map<?, ?>) legs.get(1)).get("write-behind");
    }

    /// What the leg that was behind holds, when the other one is taken away.
    private void aloneHolds(int block, int value) throws IOException {
        lab.array().fail(AHEAD);
        assertHolds(block, value);
    }

    private void assertHolds(int block, int value) {
        byte[] expected = new byte[BLOCK];
        Arrays.fill(expected, (byte) value);
        byte[] found = lab.rig().read(lab.array(), (long) block * BLOCK, BLOCK);
        assertArrayEquals(expected, found, () -> "block %d".formatted(block));
    }

    @Test
    void anArrayWithChecksumsRefusesIt() throws IOException {
        try (MembersLab made =
                new MembersLab(2, MetadataPlace.START, 64, 64).withChecksums().start()) {
            made.kill();
            made.writingBehind(1, BOUND_BYTES, SECOND_NANOS);
            IOException refusal = assertThrows(IOException.class, made::start);
            assertTrue(
                    refusal.getMessage().contains("is not for arrays with checksums"),
                    refusal::getMessage);
        }
    }

    @Test
    void aChangeIsAcknowledgedWithoutIt() {
        gate.isShut = true;

        Told first = write(0, 1, 1);
        lab.sleep(MOMENT_NANOS);
        Told second = write(700, 2, 2);
        lab.sleep(MOMENT_NANOS);

        isTold(first);
        isTold(second);
        assertEquals(2, gate.held.size());
        assertTrue(words().startsWith("behind by 12 KiB, oldest "), words());
        assertEquals(State.ONLINE, lab.array().status().state());
        assertEquals(words(), detail().get("words"));
        assertEquals(12L << 10, detail().get("bytes"));
        assertEquals(2, detail().get("changes"));
        assertEquals(false, detail().get("in-step"));
    }

    @Test
    void itIsNotReadWhileItIsBehind() {
        gate.isShut = true;
        isTold(soon(write(0, 1, 1)));
        int reads = gate.reads;

        for (int i = 0; i < 300; i++) {
            assertHolds(0, 1);
        }

        assertEquals(reads, gate.reads);
    }

    private Told soon(Told told) {
        lab.sleep(MOMENT_NANOS);
        return told;
    }

    @Test
    void aFlushDoesNotWaitForIt() {
        gate.isShut = true;
        isTold(soon(write(0, 1, 1)));
        byte[] bytes = new byte[BLOCK];

        Told flush = soon(asker.flush());
        Told durable = soon(asker.write(BLOCK, bytes, Durability.DURABLE));
        Told zero = soon(asker.zero(2 * BLOCK, BLOCK, true, false));
        Told again = soon(asker.flush());

        List.of(flush, durable, zero, again).forEach(this::isTold);
        assertEquals(3, detail().get("changes"));
    }

    @Test
    void beyondItsBoundInBytesChangesWait() {
        gate.isShut = true;
        int fits = (int) (BOUND_BYTES / BLOCK);
        for (int i = 0; i < fits; i++) {
            isTold(told(write(i, 1, i)));
        }
        Told oneMore = write(fits, 1, fits);
        lab.sleep(10 * MILLI_NANOS);
        assertFalse(oneMore.isTold(), "beyond the bound");

        gate.open();
        lab.sleep(10 * MILLI_NANOS);

        isTold(oneMore);
    }

    @Test
    void whatIsLargerThanTheBoundIsAcknowledgedWhenItIsThere() {
        gate.isShut = true;
        Told large = soon(write(0, 1 + (int) (BOUND_BYTES / BLOCK), 1));
        assertFalse(large.isTold(), "it would be behind by more than the bound");

        gate.open();
        lab.sleep(MOMENT_NANOS);

        isTold(large);
    }

    @Test
    void beyondItsBoundInSecondsChangesWait() throws IOException {
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS);
        lab.writingBehind(1, BOUND_BYTES, 300 * MILLI_NANOS).tapping(1, gate).start();
        begin();
        gate.isShut = true;
        isTold(soon(write(0, 1, 1)));
        isTold(soon(write(1, 1, 1)));
        lab.sleep(200 * MILLI_NANOS);

        Told late = soon(write(2, 1, 1));
        assertFalse(late.isTold(), "the oldest is too old");
        gate.open();
        lab.sleep(MOMENT_NANOS);

        isTold(late);
    }

    @Test
    void whileLegsMayDifferItIsWaitedFor() throws IOException {
        lab.kill();
        restart();
        asker = new Asker(lab.array(), lab.rig().io);
        assertEquals(State.RESYNCING, lab.array().status().state());
        gate.isShut = true;

        Told early = soon(write(0, 1, 1));

        assertFalse(early.isTold(), "the resync would not make it alike any more");
        gate.open();
        lab.sleep(MOMENT_NANOS);
        isTold(early);
    }

    @Test
    void whatAFailedChangeHasLeftReachesItAfterEarlierChanges() throws IOException {
        boolean[] fails = new boolean[1];
        TappedDevice.Tap halfway =
                (below, request, done) -> {
                    boolean isHit = fails[0] && request.tag().operation() == Operation.WRITE;
                    below.submit(
                            request,
                            isHit
                                    ? (it, _) ->
                                            done.complete(
                                                    it,
                                                    Outcome.failed(DeviceFault.Kind.IO, "planted"))
                                    : done);
                };
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS);
        lab.writingBehind(1, BOUND_BYTES, 5 * SECOND_NANOS).tapping(1, gate).tapping(0, halfway);
        lab.start();
        begin();
        gate.isShut = true;
        isTold(soon(write(0, 1, 1)));
        isTold(soon(write(0, 1, 2)));
        fails[0] = true;
        Told failed = soon(write(0, 1, 3));
        assertInstanceOf(Outcome.Failed.class, failed.await());
        fails[0] = false;
        lab.sleep(300 * MILLI_NANOS);
        gate.open();
        lab.sleep(2 * REST_NANOS);
        assertEquals("in step", words());
        assertHolds(0, 3);

        aloneHolds(0, 3);
    }

    @Test
    void whileAnotherMemberFollowsItItIsWaitedFor() throws IOException {
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS, BLOCKS);
        lab.writingBehind(1, BOUND_BYTES, 5 * SECOND_NANOS).tapping(1, gate).start();
        begin();
        lab.begin(() -> lab.array().replace(BEHIND, lab.member(2), true));
        while (lab.array().status().children().size() < 3) {
            assertTrue(lab.rig().time.step());
        }
        gate.isShut = true;

        Told early = soon(write(BLOCKS - 1, 1, 1));

        assertFalse(early.isTold(), "the new member would never get it");
        gate.open();
        lab.sleep(REST_NANOS);
        isTold(early);
        assertEquals(List.of(AHEAD, "disk2"), lab.legNames());
        gate.isShut = true;
        aloneHolds(BLOCKS - 1, 1);
    }

    @Test
    void whatMemoryIsThereBoundsItToo() throws IOException {
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS);
        lab.writingBehind(1, 1L << 40, 5 * SECOND_NANOS).tapping(1, gate).start();
        begin();
        gate.isShut = true;
        long ceiling = lab.rig().io.pool().ceilingBytes();
        List<Told> all = new ArrayList<>();
        for (int i = 0; i < 48; i++) {
            all.add(write(i * 16, 16, i));
        }
        lab.sleep(MOMENT_NANOS);
        long acknowledged = all.stream().filter(Told::isTold).count();

        assertTrue(
                acknowledged > 0 && acknowledged * 16 * BLOCK <= ceiling / 8,
                () -> "" + acknowledged);
        gate.open();
        lab.sleep(MOMENT_NANOS);
        all.forEach(this::isTold);
    }

    @Test
    void overlappingChangesReachItInTheirOrder() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] model = new byte[40 * BLOCK];
        for (int i = 0; i < 400; i++) {
            int block = random.nextInt(32);
            int count = 1 + random.nextInt(8);
            gate.isShut = random.nextInt(3) > 0;
            gate.delayNanos = random.nextLong(30) * MILLI_NANOS;
            if (!gate.isShut) {
                gate.open();
            }
            boolean isZero = random.nextInt(5) == 0;
            Arrays.fill(model, block * BLOCK, (block + count) * BLOCK, (byte) (isZero ? 0 : i + 1));
            if (isZero) {
                asker.zero((long) block * BLOCK, (long) count * BLOCK, true, random.nextBoolean());
            } else {
                write(block, count, i + 1);
            }
            lab.sleep(random.nextLong(20) * MILLI_NANOS);
        }
        gate.delayNanos = 0;
        gate.open();
        lab.sleep(2 * REST_NANOS);
        assertEquals("in step", words(), "seed " + seed);

        lab.array().fail(AHEAD);

        byte[] found = lab.rig().read(lab.array(), 0, model.length);
        assertArrayEquals(model, found, "seed " + seed);
    }

    @Test
    void whatIsWrittenOverAndOverIsSentOnce() {
        gate.isShut = true;
        for (int i = 0; i < 100; i++) {
            isTold(told(write(5, 1, i)));
        }
        assertEquals(2, detail().get("changes"), "one that was sent, and the last one");
    }

    private Told told(Told told) {
        for (int i = 0; i < 1000 && !told.isTold(); i++) {
            lab.sleep(MILLI_NANOS / 10);
        }
        return told;
    }

    @Test
    void killedWhileItIsBehindItGetsDirtyRegionsOnly() throws IOException {
        gate.isShut = true;
        isTold(soon(write(300, 1, 7)));
        isTold(soon(asker.flush()));
        lab.kill();

        restart();
        assertEquals(State.REBUILDING, lab.status(BEHIND).state());
        assertHolds(300, 7);
        begin();

        Map<?, ?> copied = (Map<?, ?>) lab.array().detail().get("copied");
        long most = 2 * REGION_BYTES; // the resync, and what it lacked
        assertTrue((long) copied.get("bytes") <= most, copied::toString);
        aloneHolds(300, 7);
    }

    @Test
    void itDoesNotStartAloneIfItWasBehind() throws IOException {
        gate.isShut = true;
        isTold(soon(write(300, 1, 7)));
        lab.kill();
        gate.isShut = false;

        IOException refusal = assertThrows(IOException.class, () -> lab.start("true", List.of(0)));

        assertTrue(refusal.getMessage().contains("too few good members"), refusal::getMessage);
        restart();
        begin();
        aloneHolds(300, 7);
    }

    @Test
    void inStepItStartsAlone() throws IOException {
        isTold(soon(write(300, 1, 7)));
        lab.sleep(REST_NANOS);
        assertEquals("in step", words());
        lab.powerCut();

        restart(0);

        assertHolds(300, 7);
        assertEquals("in step", words());
    }

    @Test
    void nothingOfItIsLostAfterItWasInStep() throws IOException {
        for (int i = 0; i < 50; i++) {
            isTold(soon(write(i, 1, i)));
        }
        lab.sleep(REST_NANOS);
        lab.disk(1).powerCut();
        lab.powerCut();

        restart(0);

        for (int i = 0; i < 50; i++) {
            assertHolds(i, i);
        }
    }

    @Test
    void whatIsDirtyIsClearedThoughChangesGoOn() {
        for (int i = 0; i < 30; i++) {
            isTold(soon(write(i < 5 ? 700 : 10, 1, i)));
            lab.sleep(SECOND_NANOS);
        }
        Map<?, ?> bitmap = (Map<?, ?>) lab.array().detail().get("bitmap");

        assertTrue(words().startsWith("behind"), words());
        assertEquals(REGION_BYTES, bitmap.get("dirty"));
    }

    @Test
    void whatItHasNotGotStaysMarked() throws IOException {
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS);
        lab.writingBehind(1, REGION_BYTES, 100 * SECOND_NANOS).tapping(1, gate).start();
        begin();
        gate.delayNanos = 900 * MILLI_NANOS;
        for (int i = 0; i < 20; i++) {
            isTold(told(write(10 + i, 2, i))); // each has to wait for the one before
        }
        lab.sleep(15 * SECOND_NANOS);
        Map<?, ?> bitmap = (Map<?, ?>) lab.array().detail().get("bitmap");
        assertEquals(REGION_BYTES, bitmap.get("dirty"));
        lab.kill();

        gate.delayNanos = 0;
        restart();
        begin();

        aloneHolds(10, 0);
        for (int i = 1; i < 20; i++) {
            assertHolds(10 + i, i);
        }
    }

    @Test
    void itIsInStepForThoseThatAskForIt() throws IOException {
        lab.close();
        lab = new MembersLab(2, MetadataPlace.END, BLOCKS, BLOCKS, BLOCKS);
        lab.using(BLOCKS / 2).writingBehind(1, BOUND_BYTES, SECOND_NANOS).tapping(1, gate).start();
        begin();
        gate.delayNanos = 500 * MILLI_NANOS;
        isTold(soon(write(0, 1, 1)));
        assertTrue(words().startsWith("behind by 4 KiB"), words());

        lab.array().grow(0);
        assertTrue(lab.array().shape().sizeBytes() >= (long) BLOCKS * BLOCK);
        lab.sleep(REST_NANOS);
        isTold(soon(write(BLOCKS - 1, 1, 2)));
        lab.array().replace(BEHIND, lab.member(2), true);
        assertEquals(3, lab.children().size(), "it was taken out before the new one is complete");
        gate.delayNanos = 0;
        lab.sleep(REST_NANOS);

        aloneHolds(0, 1);
        assertHolds(BLOCKS - 1, 2);
        assertEquals(List.of(AHEAD, "disk2"), lab.legNames());
    }

    @Test
    void aLegThatDoesNotAnswerIsDroppedAndReturns() throws IOException {
        gate.isShut = true;
        isTold(soon(write(300, 1, 7)));
        lab.sleep(SimulatedHost.DEADLINE_NANOS);
        assertEquals(State.FAULTED, lab.status(BEHIND).state());
        isTold(soon(write(301, 1, 8)));

        gate.open();
        begin();

        aloneHolds(300, 7);
        assertHolds(301, 8);
    }

    @Test
    void whileAnotherLegIsAwayItFallsBehindRarely() throws IOException {
        lab.close();
        lab = new MembersLab(3, MetadataPlace.END, BLOCKS, BLOCKS, BLOCKS);
        lab.writingBehind(1, BOUND_BYTES, 5 * SECOND_NANOS).tapping(1, gate).start();
        begin();
        lab.disk(2).setOffline(true);
        for (int i = 0; i < 50; i++) {
            isTold(told(write(i * 16, 1, i)));
            lab.sleep(REST_NANOS);
        }
        assertEquals(State.FAULTED, lab.status("disk2").state());
        assertTrue(words().startsWith("behind by 0 bytes"), words());
        lab.disk(2).setOffline(false);
        begin();

        Map<?, ?> copied = (Map<?, ?>) lab.array().detail().get("copied");
        assertTrue((long) copied.get("bytes") <= 4 * REGION_BYTES, copied::toString);
        lab.array().fail(BEHIND);
        aloneHolds(16, 1);
        assertHolds(49 * 16, 49);
    }

    @Test
    void closingWaitsForIt() throws IOException {
        gate.delayNanos = 300 * MILLI_NANOS;
        for (int i = 0; i < 10; i++) {
            isTold(soon(write(i, 1, i)));
        }
        lab.array().close();

        restart(0);

        for (int i = 0; i < 10; i++) {
            assertHolds(i, i);
        }
    }

    @Test
    void closingDoesNotWaitForEver() throws IOException {
        gate.delayNanos = 900 * MILLI_NANOS;
        for (int i = 0; i < 8; i++) {
            isTold(told(write(10 + i, 2, i))); // each has to wait for the one before
        }
        lab.array().close();
        lab.sleep(REST_NANOS); // until it has answered what it was sent
        gate.delayNanos = 0;

        assertThrows(IOException.class, () -> lab.start("true", List.of(0)));
        restart();
        assertEquals(State.REBUILDING, lab.status(BEHIND).state());
        begin();

        aloneHolds(10, 0);
        assertHolds(17, 7);
        assertHolds(18, 7);
    }

    @Test
    void whoCouldNotWorkAloneIsNotLeftAlone() {
        gate.isShut = true;
        isTold(soon(write(300, 1, 7)));

        for (String way : List.of("fail", "remove")) {
            IOException refusal =
                    assertThrows(
                            IOException.class,
                            () -> {
                                if (way.equals("fail")) {
                                    lab.array().fail(AHEAD);
                                } else {
                                    lab.array().remove(AHEAD);
                                }
                            });
            assertTrue(
                    refusal.getMessage().contains("disk1 is behind by 4 KiB"), refusal::getMessage);
            assertTrue(refusal.getMessage().endsWith("wait until it is in step"));
        }
    }

    @Test
    void whenTheOthersDieRequestsFail() throws IOException {
        isTold(soon(write(300, 1, 6)));
        lab.sleep(REST_NANOS);
        gate.isShut = true;
        isTold(soon(write(300, 1, 7)));
        lab.disk(0).setOffline(true);
        gate.open();

        Told read = asker.read(300L * BLOCK, BLOCK);
        lab.sleep(2 * SECOND_NANOS);
        assertInstanceOf(Outcome.Failed.class, read.await());
        lab.sleep(REST_NANOS);
        Told later = asker.read(300L * BLOCK, BLOCK);
        lab.sleep(2 * SECOND_NANOS);
        assertInstanceOf(Outcome.Failed.class, later.await());
        lab.kill();
        lab.disk(0).setOffline(false);
        restart();
        begin();
        assertHolds(300, 7);
    }
}
