package org.unifiedvolume.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;

/// Real threads on one small cache over one small pool: each finds what it wrote last in its own
/// blocks, while all read everything and the pool takes memory back.
final class CacheThreadsTest {
    private static final int THREADS = 4;
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 1024;
    private static final int STEPS = 3000;

    @Test
    @Timeout(90)
    void everyThreadReadsWhatItWroteLast() {
        Seeds.each(2, "CacheThreadsTest#everyThreadReadsWhatItWroteLast", this::run);
    }

    private void run(long seed) throws Exception {
        // The pool is smaller than the cache may be, so reclaiming goes on all the time.
        try (TestProcess process = new TestProcess(6 << 20)) {
            MemoryDevice memory =
                    new MemoryDevice(
                            (long) BLOCKS * BLOCK_BYTES, Locality.LOCAL, process.context());
            DelayLayer sometimesSlow =
                    new DelayLayer(
                            memory,
                            process.loops().get(0),
                            request -> request.tag().id() % 4 == 0 ? 50_000 : 0,
                            request -> request.tag().id() % 8 == 1 ? 50_000 : 0);
            ReadCache cache =
                    new ReadCache(sometimesSlow, CacheOptions.of(8 << 20), process.context());
            try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
                List<Future<?>> parts = new ArrayList<>();
                for (int t = 0; t < THREADS; t++) {
                    int thread = t;
                    parts.add(pool.submit(() -> writeAndRead(cache, process, thread, seed)));
                }
                for (Future<?> part : parts) {
                    part.get();
                }
            }
            assertTrue(cache.hitBytes() > 0);
            cache.close();
        }
    }

    private static void writeAndRead(ReadCache cache, TestProcess process, int thread, long seed) {
        RandomGenerator random = Seeds.random(seed * THREADS + thread);
        Asker asker = new Asker(cache, process.context(), thread);
        byte[] latest = new byte[BLOCKS];
        for (int i = 0; i < STEPS; i++) {
            // Blocks of one thread lie between those of the others: every read spans them all.
            int own = random.nextInt(BLOCKS / THREADS) * THREADS + thread;
            if (random.nextInt(3) == 0) {
                latest[own]++;
                byte[] bytes = new byte[BLOCK_BYTES];
                Arrays.fill(bytes, latest[own]);
                asker.done(asker.write((long) own * BLOCK_BYTES, bytes, Durability.VOLATILE));
            } else {
                int count = Math.min(BLOCKS - own, 1 + random.nextInt(64));
                byte[] bytes =
                        asker.bytes(
                                asker.read((long) own * BLOCK_BYTES, (long) count * BLOCK_BYTES));
                for (int block = own; block < own + count; block += THREADS) {
                    byte found = bytes[(block - own) * BLOCK_BYTES + 17];
                    if (found != latest[block]) {
                        throw new AssertionError(
                                "block %d reads as write %d instead of %d"
                                        .formatted(block, found, latest[block]));
                    }
                }
            }
        }
    }
}
