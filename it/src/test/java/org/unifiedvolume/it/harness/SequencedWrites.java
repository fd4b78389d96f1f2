package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/// A load that knows what must be there afterwards: every sector that it writes bears its place and
/// a sequence number, and it remembers which of them the volume has made durable.
///
/// It works in rounds: a batch of writes is sent at once, all are answered, then the volume is
/// flushed; each third round uses FUA instead. Owned by the thread that calls [#runRound].
public final class SequencedWrites {
    private static final int BLOCK_BYTES = 4096;
    private static final int SECTOR_BYTES = 512;
    private static final int BATCH = 16;

    private final Random random;
    private final long startBytes;
    private final int blockCount;

    /// The highest number sent, and known to be durable, of each block.
    private final long[] sent;

    private final long[] durable;
    private final List<String> errors = new ArrayList<>();
    private long sequence;
    private final AtomicInteger rounds = new AtomicInteger();

    /// @param startBytes where the load's part of the volume starts
    /// @param lengthBytes how long it is
    public SequencedWrites(long seed, long startBytes, long lengthBytes) {
        this.random = new Random(seed);
        this.startBytes = startBytes;
        this.blockCount = (int) (lengthBytes / BLOCK_BYTES);
        this.sent = new long[blockCount];
        this.durable = new long[blockCount];
    }

    /// How many rounds have been made durable.
    public int rounds() {
        return rounds.get();
    }

    /// What the volume answered with an error.
    public List<String> errors() {
        return errors;
    }

    /// Writes until the connection breaks or the thread is interrupted.
    public void runUntilCut(NbdClient client) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                runRound(client);
            }
        } catch (IOException e) {
            // The daemon was killed: the end that this load waits for.
            errors.add("cut: " + e);
        }
    }

    /// One round of writes that ends durable.
    public void runRound(NbdClient client) throws IOException {
        boolean forced = rounds.get() % 3 == 2;
        Set<Integer> blocks = new HashSet<>();
        while (blocks.size() < BATCH) {
            blocks.add(random.nextInt(blockCount));
        }
        for (int block : blocks) {
            sent[block] = ++sequence;
            client.putWrite(
                    forced ? NbdClient.FUA : 0, sequence, offset(block), content(block, sequence));
        }
        client.flushOut();
        boolean good = true;
        for (int answered = 0; answered < BATCH; answered++) {
            good &= note("write", client.reply().error());
        }
        if (!forced) {
            good &= note("flush", client.flush());
        }
        if (good) {
            for (int block : blocks) {
                durable[block] = sent[block];
            }
            rounds.getAndIncrement();
        }
    }

    private boolean note(String what, int error) {
        if (error != 0) {
            errors.add("%s: error %d".formatted(what, error));
        }
        return error == 0;
    }

    private long offset(int block) {
        return startBytes + (long) block * BLOCK_BYTES;
    }

    private static byte[] content(int block, long number) {
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES);
        while (bytes.hasRemaining()) {
            bytes.putLong(number).putLong(block).putLong(~number).putLong(bytes.position());
        }
        return bytes.array();
    }

    /// Fails unless every sector holds what was made durable, or something newer that was sent.
    ///
    /// @return how many blocks were looked at
    public int verify(NbdClient client) throws IOException {
        int looked = 0;
        for (int block = 0; block < blockCount; block++) {
            if (sent[block] == 0) {
                continue;
            }
            looked++;
            ByteBuffer bytes = ByteBuffer.wrap(client.read(offset(block), BLOCK_BYTES));
            for (int at = 0; at < BLOCK_BYTES; at += SECTOR_BYTES) {
                verifySector(block, bytes, at);
            }
        }
        return looked;
    }

    private void verifySector(int block, ByteBuffer bytes, int at) {
        long number = bytes.getLong(at);
        String where =
                "sector at %d holds number %d; %d was made durable, %d was sent last"
                        .formatted(offset(block) + at, number, durable[block], sent[block]);
        if (number < durable[block] || number > sent[block]) {
            throw new AssertionError(where);
        }
        byte[] should = number == 0 ? new byte[BLOCK_BYTES] : content(block, number);
        for (int i = at; i < at + SECTOR_BYTES; i++) {
            if (bytes.get(i) != should[i]) {
                throw new AssertionError("%s; byte %d of the block differs".formatted(where, i));
            }
        }
    }
}
