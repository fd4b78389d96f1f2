package org.unifiedvolume.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// What every [BlockDevice] promises, as tests: a test class of a device extends this and opens
/// one.
///
/// The device must have at least 1 MiB, and be writable. Ranges stay within its shape: see
/// [BlockDevice#submit] for who sees to that. After each test the device is closed and every byte
/// of pool memory must have been given back.
@Timeout(120)
public abstract class BlockDeviceContract {
    private static final int LEAST_BYTES = 1 << 20;

    private TestProcess process;
    private BlockDevice device;
    private Asker asker;
    private int blockBytes;

    /// Opens a fresh device. Everything it needs (a server, a folder) is made here too, and ended
    /// in [#closeSurroundings].
    protected abstract BlockDevice openDevice(TestProcess surroundings) throws Exception;

    /// Ends what [#openDevice] made beside the device. Called after the device was closed.
    protected void closeSurroundings() throws Exception {}

    @BeforeEach
    final void openForTheContract() throws Exception {
        process = TestProcess.start();
        device = openDevice(process);
        asker = new Asker(device, process.context());
        blockBytes = device.shape().blockBytes();
        assertTrue(device.shape().sizeBytes() >= LEAST_BYTES, "at least 1 MiB");
    }

    @AfterEach
    final void closeForTheContract() throws Exception {
        device.close();
        closeSurroundings();
        asker.checkAll();
        process.close();
    }

    private byte[] randomBytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] readAll(int length) {
        byte[] all = new byte[length];
        int step = (int) Math.min(256 * 1024, device.shape().maxTransferBytes());
        for (int at = 0; at < length; at += step) {
            int part = Math.min(step, length - at);
            System.arraycopy(asker.bytes(asker.read(at, part)), 0, all, at, part);
        }
        return all;
    }

    @Test
    void readsBackWhatWasWritten() {
        byte[] first = randomBytes(Seeds.random(1), 64 * 1024);
        asker.done(asker.write(8192, first, Durability.VOLATILE));
        assertTrue(Arrays.equals(first, asker.bytes(asker.read(8192, first.length))));
        byte[] second = randomBytes(Seeds.random(2), 8192);
        asker.done(asker.write(16384, second, Durability.DURABLE));
        System.arraycopy(second, 0, first, 8192, second.length);
        assertTrue(Arrays.equals(first, asker.bytes(asker.read(8192, first.length))));
    }

    @Test
    void readsBackTheFirstAndTheLastBlock() {
        long end = device.shape().sizeBytes();
        int length = Math.max(blockBytes, 1);
        byte[] bytes = randomBytes(Seeds.random(3), length);
        asker.done(asker.write(0, bytes, Durability.VOLATILE));
        asker.done(asker.write(end - length, bytes, Durability.VOLATILE));
        assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(0, length))));
        assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(end - length, length))));
    }

    @Test
    void takesPayloadsInManyUnalignedSlices() {
        byte[] bytes = randomBytes(Seeds.random(4), 128 * 1024);
        int offset = 32768;
        for (int sliceBytes : new int[] {127, 4095, 4096, 50_000}) {
            bytes[0]++;
            asker.done(
                    asker.write(offset, asker.scattered(bytes, sliceBytes), Durability.VOLATILE));
            assertTrue(
                    Arrays.equals(bytes, asker.bytes(asker.read(offset, bytes.length))),
                    "slices of " + sliceBytes);
        }
    }

    @Test
    void takesTheLongestTransferOfItsShape() {
        DeviceShape shape = device.shape();
        long most = Math.min(Math.min(shape.maxTransferBytes(), shape.sizeBytes()), 8 << 20);
        int length = (int) (most - most % blockBytes);
        byte[] bytes = randomBytes(Seeds.random(5), length);
        asker.done(asker.write(0, bytes, Durability.VOLATILE));
        assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(0, length))));
    }

    @Test
    void zeroesWithAndWithoutGivingSpaceBack() {
        byte[] ones = new byte[256 * 1024];
        Arrays.fill(ones, (byte) 1);
        for (boolean mayUnmap : new boolean[] {false, true}) {
            asker.done(asker.write(0, ones, Durability.VOLATILE));
            asker.done(asker.zero(65536, 131072, mayUnmap, false));
            byte[] expected = ones.clone();
            Arrays.fill(expected, 65536, 65536 + 131072, (byte) 0);
            assertTrue(Arrays.equals(expected, asker.bytes(asker.read(0, ones.length))));
        }
    }

    @Test
    void zeroesFastOrSaysThatItCannot() {
        byte[] ones = new byte[64 * 1024];
        Arrays.fill(ones, (byte) 1);
        asker.done(asker.write(0, ones, Durability.VOLATILE));
        Outcome outcome = asker.zero(0, ones.length, true, true).await();
        byte[] after = asker.bytes(asker.read(0, ones.length));
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            assertEquals(DeviceFault.Kind.NOT_SUPPORTED, fault.kind(), fault.getMessage());
            assertFalse(device.shape().can(DeviceShape.Ability.FAST_ZERO), "it claims it can");
            assertTrue(Arrays.equals(ones, after), "a refused zero changed the content");
        } else {
            assertTrue(Arrays.equals(new byte[ones.length], after));
        }
    }

    @Test
    void aDiscardedRangeReadsAsBeforeOrAsZeroes() {
        byte[] bytes = randomBytes(Seeds.random(6), 256 * 1024);
        ContentModel model = new ContentModel(bytes);
        asker.done(asker.write(0, bytes, Durability.VOLATILE));
        asker.done(asker.discard(65536, 65536));
        model.discard(65536, 65536);
        model.check(0, asker.bytes(asker.read(0, bytes.length)), "after a discard");
        byte[] anew = randomBytes(Seeds.random(7), 8192);
        asker.done(asker.write(73728, anew, Durability.VOLATILE));
        model.write(73728, anew);
        model.check(0, asker.bytes(asker.read(0, bytes.length)), "after writing anew");
    }

    @Test
    void flushesAndPrefetches() {
        asker.done(asker.flush());
        asker.done(asker.prefetch(0, 65536));
        asker.done(asker.write(0, new byte[4096], Durability.VOLATILE));
        asker.done(asker.flush());
    }

    @Test
    void locatesEveryByteOnceAndNoZeroWhereDataIs() {
        int span = LEAST_BYTES;
        byte[] data = randomBytes(Seeds.random(8), 128 * 1024);
        asker.done(asker.zero(0, span, true, false));
        asker.done(asker.write(262144, data, Durability.VOLATILE));
        byte[] content = readAll(span);
        int at = 0;
        while (at < span) {
            List<Extent> extents = asker.extents(asker.locate(at, span - at));
            assertFalse(extents.isEmpty(), "no extents from " + at);
            for (Extent extent : extents) {
                assertTrue(extent.lengthBytes() > 0, "an extent of no bytes at " + at);
                int end = (int) Math.min(span, at + extent.lengthBytes());
                if (extent.kind().readsZero()) {
                    for (int i = at; i < end; i++) {
                        assertEquals(0, content[i], "a zero extent holds data at " + i);
                    }
                }
                at = end;
            }
        }
    }

    @Test
    void knowsWhereEveryByteLives() {
        long size = device.shape().sizeBytes();
        long at = 0;
        int runs = 0;
        while (at < size && runs++ < 1000) {
            long run = device.localityRun(at);
            assertTrue(run >= 1 && run <= size - at, "a run of " + run + " bytes at " + at);
            Locality first = device.locality(Operation.WRITE, at, blockBytes);
            assertEquals(first, device.locality(Operation.WRITE, at, run), "within one run");
            at += run;
        }
        assertEquals(size, device.status().sizeBytes());
        assertFalse(device.status().name().isBlank());
    }

    @Test
    void servesManyRequestsAtOnceFromSeveralThreads() throws Exception {
        int threads = 4;
        int share = LEAST_BYTES / threads;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Callable<Void>> parts = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int from = t * share;
                parts.add(() -> writeAndCheckConcurrently(from, share));
            }
            for (Future<Void> part : pool.invokeAll(parts)) {
                part.get();
            }
        }
    }

    private Void writeAndCheckConcurrently(int from, int share) {
        RandomGenerator random = Seeds.random(from);
        byte[] content = randomBytes(random, share);
        List<Told> writes = new ArrayList<>();
        for (int at = 0; at < share; at += 4096) {
            byte[] part = Arrays.copyOfRange(content, at, at + 4096);
            writes.add(asker.write(from + at, part, Durability.VOLATILE));
        }
        writes.forEach(asker::done);
        List<Told> reads = new ArrayList<>();
        for (int at = 0; at < share; at += 8192) {
            reads.add(asker.read(from + at, 8192));
        }
        for (int i = 0; i < reads.size(); i++) {
            byte[] part = Arrays.copyOfRange(content, i * 8192, (i + 1) * 8192);
            assertTrue(Arrays.equals(part, asker.bytes(reads.get(i))), "part " + i + " of " + from);
        }
        return null;
    }

    @Test
    void doesWhatAnArrayOfBytesDoes() {
        Seeds.each(
                2,
                getClass().getSimpleName() + "#doesWhatAnArrayOfBytesDoes",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    ContentModel model = new ContentModel(readAll(LEAST_BYTES));
                    for (int i = 0; i < 150; i++) {
                        randomStep(random, model, "step " + i);
                    }
                    model.check(0, readAll(LEAST_BYTES), "at the end");
                });
    }

    private void randomStep(RandomGenerator random, ContentModel model, String when) {
        int grid = random.nextBoolean() ? blockBytes : Math.max(blockBytes, 4096);
        int blocks = LEAST_BYTES / grid;
        int most = Math.max(1, Math.min(blocks, 160 * 1024 / grid));
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? most : Math.min(most, 4));
        int offset = random.nextInt(blocks - count + 1) * grid;
        int length = count * grid;
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> model.check(offset, asker.bytes(asker.read(offset, length)), when);
            case 3, 4 -> {
                byte[] bytes = randomBytes(random, length);
                Buffers payload =
                        random.nextBoolean()
                                ? asker.payload(bytes)
                                : asker.scattered(bytes, 1 + random.nextInt(70_000));
                asker.done(
                        asker.write(
                                offset,
                                payload,
                                random.nextInt(8) == 0 ? Durability.DURABLE : Durability.VOLATILE));
                model.write(offset, bytes);
            }
            case 5 -> {
                asker.done(asker.zero(offset, length, random.nextBoolean(), false));
                model.zero(offset, length);
            }
            case 6 -> {
                asker.done(asker.discard(offset, length));
                model.discard(offset, length);
            }
            default -> asker.done(asker.flush());
        }
    }

    @Test
    void answersWhatIsUnderWayWhenItIsClosed() {
        List<Told> underWay = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            underWay.add(asker.read(i * 4096L, 4096));
            underWay.add(asker.write(i * 4096L, new byte[4096], Durability.VOLATILE));
        }
        underWay.add(asker.flush());
        device.close();
        for (Told told : underWay) {
            told.await().discard();
        }
    }

    @Test
    void answersWhatRacesWithItsClosing() throws Exception {
        int threads = 3;
        CountDownLatch underWay = new CountDownLatch(threads);
        AtomicBoolean closed = new AtomicBoolean();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<Integer>> parts = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                parts.add(pool.submit(() -> submitUntil(closed, underWay)));
            }
            underWay.await();
            device.close();
            closed.set(true);
            for (Future<Integer> part : parts) {
                assertTrue(part.get() > 0);
            }
        }
    }

    private int submitUntil(AtomicBoolean closed, CountDownLatch underWay) {
        int count = 0;
        while (!closed.get() || count < 100) {
            List<Told> batch = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                long offset = (count + i) % 64 * 4096L;
                batch.add(asker.read(offset, 4096));
                batch.add(asker.write(offset, new byte[4096], Durability.VOLATILE));
                batch.add(asker.zero(offset, 4096, true, false));
            }
            batch.add(asker.flush());
            batch.forEach(told -> told.await().discard());
            count += batch.size();
            underWay.countDown();
        }
        return count;
    }

    @Test
    void answersWhatComesAfterItWasClosed() {
        device.close();
        device.close();
        asker.read(0, 4096).await().discard();
        asker.write(0, new byte[4096], Durability.VOLATILE).await();
        asker.flush().await();
        asker.zero(0, 4096, true, false).await();
        asker.locate(0, 4096).await();
    }
}
