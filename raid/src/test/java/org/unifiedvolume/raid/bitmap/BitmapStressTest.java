package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.DeviceFault;

/// Real threads enter and leave while bits are written and cleared as fast as can be: nobody is in
/// a region whose bit is not on disk, everybody is told once, and in the end all is clean.
class BitmapStressTest {
    private static final long REGION = 1 << 20;
    private static final int REGIONS = 64;
    private static final int THREADS = 4;
    private static final int ROUNDS = 20_000;

    private final AtomicIntegerArray onDisk = new AtomicIntegerArray(REGIONS);
    private final AtomicReference<String> broken = new AtomicReference<>();
    private final AtomicInteger clears = new AtomicInteger();
    private final AtomicInteger waits = new AtomicInteger();
    private final CountDownLatch left = new CountDownLatch(THREADS * ROUNDS);

    @Test
    @Timeout(120)
    void nobodyIsInARegionWhoseBitIsNotOnDisk() throws InterruptedException {
        try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
                ExecutorService disk = Executors.newSingleThreadExecutor()) {
            WriteIntentBitmap bitmap =
                    new WriteIntentBitmap(
                            ModelLegs.ARRAY,
                            REGIONS * REGION,
                            REGION,
                            store(disk),
                            timers(timer),
                            20_000);
            for (int thread = 0; thread < THREADS; thread++) {
                Random random = new Random(thread);
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    for (int i = 0; i < ROUNDS; i++) {
                                        changeOnce(bitmap, random);
                                    }
                                });
            }
            assertTrue(left.await(60, TimeUnit.SECONDS), left.getCount() + " were never told");
            assertNull(broken.get());
            assertTrue(waits.get() > 0, "nobody waited");
            while (bitmap.dirtyBytes() > 0 || isAnyOnDisk()) {
                Thread.onSpinWait(); // what was cleared in memory is written after that
            }
            assertTrue(clears.get() > 0, "nothing was cleared");
        }
    }

    private boolean isAnyOnDisk() {
        return IntStream.range(0, REGIONS).anyMatch(region -> onDisk.get(region) != 0);
    }

    private void changeOnce(WriteIntentBitmap bitmap, Random random) {
        int first = random.nextInt(REGIONS);
        int last = Math.min(REGIONS - 1, first + random.nextInt(3));
        long row = first * REGION;
        long length = (last - first + 1) * REGION;
        AtomicInteger told = new AtomicInteger();
        WriteIntentBitmap.Waiter waiter =
                fault -> {
                    waits.incrementAndGet();
                    if (fault != null || told.incrementAndGet() != 1) {
                        broken.set("told twice, or of a fault");
                    }
                    within(bitmap, first, last);
                };
        if (bitmap.enter(row, length, waiter)) {
            within(bitmap, first, last);
        }
    }

    private void within(WriteIntentBitmap bitmap, int first, int last) {
        for (int region = first; region <= last; region++) {
            if (onDisk.get(region) == 0) {
                broken.set("in region " + region + ", which is clean on disk");
            }
        }
        bitmap.leave(first * REGION, (last - first + 1) * REGION);
        left.countDown();
    }

    private BitmapStore store(ExecutorService disk) {
        return new BitmapStore() {
            @Override
            public void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done) {
                disk.execute(
                        () -> {
                            for (int region = 0; region < REGIONS; region++) {
                                int bits = blocks[8 + region / 8];
                                onDisk.set(region, bits >> (region % 8) & 1);
                            }
                            done.accept(null);
                        });
            }

            @Override
            public void prepareClear(Consumer<Boolean> go) {
                clears.incrementAndGet();
                disk.execute(() -> go.accept(true));
            }
        };
    }

    private static Timers timers(ScheduledExecutorService timer) {
        return new Timers() {
            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public Cancellable after(long delayNanos, Runnable task) {
                ScheduledFuture<?> planned = timer.schedule(task, delayNanos, TimeUnit.NANOSECONDS);
                return () -> planned.cancel(false);
            }
        };
    }
}
