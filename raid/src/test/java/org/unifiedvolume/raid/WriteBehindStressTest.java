package org.unifiedvolume.raid;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.raid.redundant.RedundantArray;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// Real threads write to a mirror whose second leg is slow and written behind: in step it
/// holds the same bytes as the first one.
class WriteBehindStressTest {
    private static final long MEMBER_BYTES = 4 << 20;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 128;
    private static final int THREADS = 4;
    private static final int ROUNDS = 400;
    private static final int DEPTH = 4;
    private static final int BURSTS = 3;

    @TempDir private Path folder;

    private final AtomicReference<Throwable> broken = new AtomicReference<>();

    @Test
    @Timeout(120)
    void inStepItHoldsWhatTheOthersHold() throws Exception {
        long seed = System.nanoTime();
        try (TestProcess process = TestProcess.start()) {
            RedundantArray array = open(process);
            for (int burst = 0; burst < BURSTS; burst++) {
                write(array, process, seed + (long) burst * THREADS);
                TestProcess.await("it is in step", () -> words(array).equals("in step"));
            }
            assertNull(broken.get(), "seed " + seed);
            byte[] first = read(array, process);
            array.fail("m0");
            assertArrayEquals(first, read(array, process), "seed " + seed);
            assertEquals("in step", words(array));
            array.close();
        }
    }

    private static String words(RedundantArray array) {
        return array.status().children().get(1).reason();
    }

    private RedundantArray open(TestProcess process) throws Exception {
        Lanes lanes = new Lanes();
        Tracer tracer = new Tracer(process.context().timers());
        List<LayoutMember> members = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Locality where = i == 0 ? Locality.LOCAL : Locality.REMOTE;
            BlockDevice device = new MemoryDevice(MEMBER_BYTES, where, process.context());
            if (i == 1) {
                device =
                        new DelayLayer(
                                device,
                                process.context().timers(),
                                request -> request.tag().id() * 7 % 5 * 100_000,
                                _ -> 20_000);
            }
            members.add(
                    LayoutMember.of(
                            new Member(
                                    "m" + i,
                                    where,
                                    device,
                                    StackOptions.ofMember(OrderPolicy.Named.FIFO, 8, 0),
                                    process.context(),
                                    lanes,
                                    tracer)));
        }
        Map<String, VolumeOptions.Value> options =
                Map.of(
                        "write-behind",
                        new VolumeOptions.Value(Place.COMMAND_LINE, "m1"),
                        "write-behind-bytes",
                        new VolumeOptions.Value(Place.COMMAND_LINE, "256KiB"),
                        "assume-clean",
                        new VolumeOptions.Value(Place.COMMAND_LINE, "true"));
        return (RedundantArray)
                Kinds.find()
                        .layout(Place.COMMAND_LINE, "raid1")
                        .plan(new VolumeOptions(Place.COMMAND_LINE, "v", "raid1", options), 2)
                        .assemble(members, new LayoutContext("v", folder, process.context()));
    }

    private void write(RedundantArray array, TestProcess process, long seed)
            throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            Random random = new Random(seed + i);
            threads.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            write(array, process, random);
                                        } catch (Throwable e) {
                                            broken.set(e);
                                        }
                                    }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void write(RedundantArray array, TestProcess process, Random random) {
        Asker asker = new Asker(array, process.context());
        List<Told> underWay = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            int count = 1 + random.nextInt(4);
            long offset = (long) random.nextInt(BLOCKS - count) * BLOCK;
            byte[] bytes = new byte[count * BLOCK];
            Arrays.fill(bytes, (byte) random.nextInt());
            underWay.add(
                    switch (random.nextInt(16)) {
                        case 0 -> asker.zero(offset, bytes.length, true, random.nextBoolean());
                        case 1 -> asker.flush();
                        default -> asker.write(offset, bytes, Durability.VOLATILE);
                    });
            if (underWay.size() == DEPTH) {
                asker.done(underWay.removeFirst());
            }
        }
        underWay.forEach(asker::done);
    }

    private static byte[] read(RedundantArray array, TestProcess process) {
        Asker asker = new Asker(array, process.context());
        return asker.bytes(asker.read(0, (long) BLOCKS * BLOCK));
    }
}
