package org.unifiedvolume.targets.nbd;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/// Changes valid messages at random, so that a few seconds of every build try inputs that nobody
/// thought of. A run repeats with its seed.
public final class Mutator {
    private static final long[] NUMBERS = {
        0,
        1,
        -1,
        2,
        7,
        511,
        512,
        4096,
        65_535,
        65_536,
        1 << 20,
        32 << 20,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        0xffff_ffffL,
        1L << 32,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private final List<byte[]> seeds;
    private final Random random;

    public Mutator(List<byte[]> seeds, long seed) {
        this.seeds = seeds;
        this.random = new Random(seed);
    }

    /// Tries changed seeds for some time; a failure names the seed that repeats the run.
    public static void run(List<byte[]> seeds, long forNanos, Consumer<byte[]> target) {
        long seed = Long.getLong("uvol.seed", System.nanoTime());
        Mutator mutator = new Mutator(seeds, seed);
        long end = System.nanoTime() + forNanos;
        for (int i = 0; System.nanoTime() - end < 0; i++) {
            byte[] input = mutator.next();
            try {
                target.accept(input);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(
                        "input %d of seed %d failed; repeat with -Duvol.seed=%d: %s"
                                .formatted(i, seed, seed, Arrays.toString(input)),
                        e);
            }
        }
    }

    /// The next input: a seed with one to eight changes.
    public byte[] next() {
        byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
        for (int changes = 1 + random.nextInt(8); changes > 0; changes--) {
            bytes = change(bytes);
        }
        return bytes;
    }

    private byte[] change(byte[] bytes) {
        if (bytes.length < 9) {
            return RawClient.join(bytes, new byte[] {(byte) random.nextInt()});
        }
        int at = random.nextInt(bytes.length);
        int length = Math.min(1 + random.nextInt(32), bytes.length - at);
        byte[] start = Arrays.copyOf(bytes, at);
        byte[] rest = Arrays.copyOfRange(bytes, at, bytes.length);
        switch (random.nextInt(6)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt();
            case 2 -> {
                long number = NUMBERS[random.nextInt(NUMBERS.length)];
                int wide = random.nextBoolean() ? 8 : 4;
                int where = Math.min(at, bytes.length - wide);
                byte[] told = ByteBuffer.allocate(8).putLong(number).array();
                System.arraycopy(told, 8 - wide, bytes, where, wide);
            }
            case 3 -> {
                return RawClient.join(start, Arrays.copyOfRange(bytes, at + length, bytes.length));
            }
            case 4 -> {
                return RawClient.join(start, Arrays.copyOf(rest, length), rest);
            }
            default -> {
                byte[] other = seeds.get(random.nextInt(seeds.size()));
                int from = random.nextInt(other.length + 1);
                return RawClient.join(start, Arrays.copyOfRange(other, from, other.length));
            }
        }
        return bytes;
    }
}
