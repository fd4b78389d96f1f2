package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

class UnflushedWritesTest {
    private final BufferPool pool = new BufferPool(1 << 20, true);
    private final UnflushedWrites log = new UnflushedWrites(64 << 10);

    /// Adds a write whose submitter gives its payload up at once, as exports do.
    private IoRequest add(long offset, int length, Durability durability) {
        Buffers payload = pool.allocate(length);
        IoTag tag = new IoTag(1, 0, Operation.WRITE, Locality.REMOTE, offset, length, 0, 0);
        IoRequest write = new IoRequest.Write(tag, offset, payload, durability);
        log.add(write);
        payload.release();
        return write;
    }

    @AfterEach
    void nothingIsKeptWhenTheLogIsClosed() {
        log.close();
        add(0, 100, Durability.VOLATILE);
        assertTrue(log.isEmpty());
        assertEquals(0, pool.outstandingBytes());
        pool.close();
    }

    @Test
    void keepsChangesInTheirOrder() {
        List<IoRequest> added =
                List.of(
                        add(5000, 100, Durability.VOLATILE),
                        add(0, 100, Durability.VOLATILE),
                        add(5050, 100, Durability.VOLATILE));
        assertEquals(added, log.all());
    }

    @Test
    void keepsADurableChangeOnlyBehindOthers() {
        add(0, 100, Durability.DURABLE);
        assertTrue(log.isEmpty());
        IoRequest older = add(0, 100, Durability.VOLATILE);
        IoRequest durable = add(0, 100, Durability.DURABLE);
        assertEquals(List.of(older, durable), log.all());
    }

    @Test
    void forgetsWhatAFlushCoversAndNoMore() {
        add(0, 100, Durability.VOLATILE);
        add(100, 100, Durability.VOLATILE);
        long mark = log.mark();
        IoRequest later = add(200, 100, Durability.VOLATILE);
        log.flushed(mark);
        assertEquals(List.of(later), log.all());
        log.flushed(mark);
        assertEquals(List.of(later), log.all());
        log.flushed(log.mark());
        assertTrue(log.isEmpty());
        assertEquals(0, pool.outstandingBytes());
    }

    @Test
    void wantsAFlushWhenHalfFullAndNoMoreWhenFull() {
        for (int i = 0; i < 2; i++) {
            add(i * 16_384L, 16_384, Durability.VOLATILE);
        }
        assertTrue(log.wantsFlush());
        assertFalse(log.isFull());
        for (int i = 2; i < 4; i++) {
            add(i * 16_384L, 16_384, Durability.VOLATILE);
        }
        assertTrue(log.isFull());
        log.flushed(log.mark());
        assertFalse(log.wantsFlush());
    }

    @Test
    void countsABlockThatSeveralWritesShareOnce() {
        Buffers block = pool.allocate(16_384);
        for (int i = 0; i < 3; i++) {
            IoTag tag = new IoTag(1, 0, Operation.WRITE, Locality.REMOTE, i, 4096, 0, 0);
            Buffers part = block.part(i * 4096L, 4096);
            log.add(new IoRequest.Write(tag, i * 4096L, part, Durability.VOLATILE));
        }
        assertFalse(log.wantsFlush());
        block.release();
    }

    @Test
    void knowsWhichChangesTouch() {
        IoRequest one = add(100, 100, Durability.VOLATILE);
        assertTrue(UnflushedWrites.overlap(one, add(199, 1, Durability.VOLATILE)));
        assertTrue(UnflushedWrites.overlap(add(0, 101, Durability.VOLATILE), one));
        assertFalse(UnflushedWrites.overlap(one, add(200, 1, Durability.VOLATILE)));
        assertFalse(UnflushedWrites.overlap(one, add(0, 100, Durability.VOLATILE)));
    }
}
