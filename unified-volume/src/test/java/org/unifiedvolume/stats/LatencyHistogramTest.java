package org.unifiedvolume.stats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.testkit.Seeds;

final class LatencyHistogramTest {
    private static final double[] SHARES = {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0};

    /// The smallest value that the share of all values does not exceed.
    private static long exact(long[] sorted, double share) {
        int wanted = (int) Math.max(1, Math.ceil(sorted.length * share));
        return sorted[wanted - 1];
    }

    @Test
    void percentilesAreAtMostASixteenthTooHighAndNeverTooLow() {
        Seeds.each(
                20,
                "LatencyHistogramTest#percentilesAreAtMostASixteenthTooHighAndNeverTooLow",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    LatencyHistogram histogram = new LatencyHistogram();
                    long[] values = new long[1 + random.nextInt(5000)];
                    for (int i = 0; i < values.length; i++) {
                        // Spread over all magnitudes, from nanoseconds to hours.
                        values[i] = random.nextLong(1L << (1 + random.nextInt(43)));
                        histogram.record(values[i]);
                    }
                    Arrays.sort(values);
                    long[] sums = LatencyHistogram.newSums();
                    histogram.addTo(sums);
                    for (double share : SHARES) {
                        long right = exact(values, share);
                        long found = LatencyHistogram.percentileNanos(sums, share);
                        assertTrue(
                                found >= right && found <= right + right / 16 + 1,
                                "%f: %d instead of %d".formatted(share, found, right));
                    }
                });
    }

    @Test
    void everyDurationHasABucketWithinItsBounds() {
        for (int power = 0; power < 63; power++) {
            for (long value : new long[] {(1L << power) - 1, 1L << power, (1L << power) + 1}) {
                int bucket = LatencyHistogram.bucketOf(value);
                assertTrue(LatencyHistogram.upperNanos(bucket) >= value, "too low for " + value);
                assertTrue(
                        bucket == 0 || LatencyHistogram.upperNanos(bucket - 1) < value,
                        "a lower bucket would do for " + value);
            }
        }
        assertEquals(0, LatencyHistogram.bucketOf(-5), "a clock that jumped back");
        assertTrue(LatencyHistogram.bucketOf(Long.MAX_VALUE) < LatencyHistogram.newSums().length);
    }

    @Test
    void nothingCountedHasNoPercentile() {
        assertEquals(0, LatencyHistogram.percentileNanos(LatencyHistogram.newSums(), 0.99));
    }

    @Test
    void aReadingTellsWhatWasCountedSinceAnEarlierOne() throws Exception {
        Meter meter = new Meter();
        meter.record(Operation.READ, 4096, 1000, true);
        MeterReading first = meter.read();
        Thread[] threads = new Thread[12];
        for (int t = 0; t < threads.length; t++) {
            threads[t] =
                    new Thread(
                            () -> {
                                for (int i = 0; i < 1000; i++) {
                                    meter.record(Operation.READ, 512, 2_000_000, i % 10 != 0);
                                    meter.record(Operation.FLUSH, 0, 5, true);
                                }
                            });
            threads[t].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        MeterReading since = meter.read().since(first);
        assertEquals(12_000, since.requests(Operation.READ));
        assertEquals(12_000 * 512, since.bytes(Operation.READ));
        assertEquals(1200, since.failures(Operation.READ));
        assertEquals(1200, since.failures());
        assertEquals(12_000, since.requests(Operation.FLUSH));
        assertEquals(0, since.requests(Operation.WRITE));
        assertTrue(since.percentileNanos(Operation.READ, 0.01) >= 2_000_000, "the old one counts");
        assertEquals(12_001, meter.read().requests(Operation.READ));
    }
}
