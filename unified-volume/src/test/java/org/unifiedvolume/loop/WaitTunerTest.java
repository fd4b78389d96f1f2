package org.unifiedvolume.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.loop.WaitTuner.Wait;

/// A simulated loop on virtual time: each way to wait has a price per turn, in time and in CPU
/// time.
final class WaitTunerTest {
    private static final long SECOND_NANOS = 1_000_000_000L;

    private record Price(long nanos, long cpuNanos) {}

    private final Map<Wait, Price> prices = new EnumMap<>(Wait.class);
    private final Map<Wait, Long> spentNanos = new EnumMap<>(Wait.class);
    private long now = 123_456_789L;
    private long cpu = 7_000_000L;
    private final WaitTuner tuner = new WaitTuner("loop", () -> now, () -> cpu);

    private void price(Wait wait, long micros, long cpuMicros) {
        prices.put(wait, new Price(micros * 1000, cpuMicros * 1000));
    }

    /// One client with one request in flight, where a wake-up costs much.
    private void wakingIsDear() {
        price(Wait.SLEEP, 55, 25);
        price(Wait.PAUSE, 80, 25);
        price(Wait.SPIN, 28, 28);
    }

    /// Many requests in flight: those that gather are cheaper together.
    private void gatheringPays() {
        price(Wait.SLEEP, 9, 8);
        price(Wait.PAUSE, 8, 5);
        price(Wait.SPIN, 9, 9);
    }

    private void load(long nanos, long bytesPerTurn) {
        spentNanos.clear();
        long end = now + nanos;
        while (now < end) {
            Wait wait = tuner.mode();
            Price price = prices.get(wait);
            now += price.nanos;
            cpu += price.cpuNanos;
            spentNanos.merge(wait, price.nanos, Long::sum);
            tuner.moved(bytesPerTurn);
            tuner.turned();
        }
    }

    private double share(Wait wait) {
        long total = spentNanos.values().stream().mapToLong(Long::longValue).sum();
        return (double) spentNanos.getOrDefault(wait, 0L) / total;
    }

    @Test
    void aFreshLoopSleeps() {
        assertEquals(Wait.SLEEP, tuner.mode());
    }

    @Test
    void aLoopThatIsNotBusyGoesOnSleeping() {
        price(Wait.SLEEP, 3000, 25);
        load(5 * SECOND_NANOS, 4096);
        assertEquals(1.0, share(Wait.SLEEP));
    }

    @Test
    void looksAgainWhereWakingIsDear() {
        wakingIsDear();
        load(SECOND_NANOS, 4096);
        assertEquals(Wait.SPIN, tuner.mode());
    }

    @Test
    void losesLittleOfTheFirstSecondToTrials() {
        wakingIsDear();
        load(SECOND_NANOS, 4096);
        assertTrue(share(Wait.SPIN) > 0.95, () -> "spent " + spentNanos);
    }

    @Test
    void letsRequestsGatherWhereThatPays() {
        gatheringPays();
        load(SECOND_NANOS, 40_960);
        assertEquals(Wait.PAUSE, tuner.mode());
    }

    @Test
    void sleepsWhereNothingIsGainedByLookingAgain() {
        price(Wait.SLEEP, 20, 12);
        price(Wait.PAUSE, 41, 12);
        price(Wait.SPIN, 20, 20);
        load(SECOND_NANOS, 4096);
        assertEquals(Wait.SLEEP, tuner.mode());
    }

    @Test
    void aSmallGainIsFoundByAWholeWindow() {
        price(Wait.SLEEP, 22, 20);
        price(Wait.PAUSE, 42, 20);
        price(Wait.SPIN, 19, 19);
        load(SECOND_NANOS, 4096);
        assertEquals(Wait.SPIN, tuner.mode());
    }

    @Test
    void followsTheLoadWhenItChanges() {
        wakingIsDear();
        load(SECOND_NANOS, 4096);
        gatheringPays();
        load(SECOND_NANOS, 40_960);
        assertEquals(Wait.PAUSE, tuner.mode());
    }

    @Test
    void triesAgainAfterAWhile() {
        wakingIsDear();
        load(SECOND_NANOS, 4096);
        price(Wait.SLEEP, 20, 12); // the rate stays, so only the calendar can tell
        load(3 * SECOND_NANOS, 4096);
        assertEquals(Wait.SLEEP, tuner.mode());
    }

    /// A client that fills the socket anew while the loop looks again.
    @Test
    void looksAgainForLongPayloadsWhereThatPays() {
        price(Wait.SLEEP, 300, 250);
        price(Wait.PAUSE, 310, 250);
        price(Wait.SPIN, 240, 230);
        load(SECOND_NANOS, 512 * 1024);
        assertEquals(Wait.SPIN, tuner.mode());
    }

    @Test
    void sleepsForLongPayloadsWhereLookingAgainOnlyCosts() {
        price(Wait.SLEEP, 100, 80);
        price(Wait.PAUSE, 110, 80);
        price(Wait.SPIN, 100, 98);
        load(SECOND_NANOS, 256 * 1024);
        assertEquals(Wait.SLEEP, tuner.mode());
        load(5 * SECOND_NANOS, 256 * 1024);
        assertTrue(share(Wait.SLEEP) > 0.9, () -> "spent " + spentNanos);
    }

    @Test
    void sleepsAgainWhenTheLoadEnds() {
        wakingIsDear();
        load(SECOND_NANOS, 4096);
        now += 10 * SECOND_NANOS;
        price(Wait.SPIN, 3000, 30);
        price(Wait.SLEEP, 3000, 25);
        load(SECOND_NANOS, 4096);
        assertEquals(Wait.SLEEP, tuner.mode());
    }
}
