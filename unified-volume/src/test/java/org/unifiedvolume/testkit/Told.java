package org.unifiedvolume.testkit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A completion that a test waits for. Notices when it is told twice, or of another request.
public final class Told implements Completion {
    private static final long WAIT_SECONDS = 30;

    private final IoRequest submitted;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final AtomicInteger count = new AtomicInteger();
    private volatile IoRequest toldOf;

    public Told(IoRequest submitted) {
        this.submitted = submitted;
    }

    @Override
    public void complete(IoRequest request, Outcome how) {
        count.incrementAndGet();
        toldOf = request;
        if (request instanceof IoRequest.Write write && write == submitted) {
            // From here on the device must not need the source, unless it has retained it.
            write.source().release();
        }
        outcome.complete(how);
    }

    public IoRequest submitted() {
        return submitted;
    }

    /// Whether it has been told yet.
    public boolean isTold() {
        return outcome.isDone();
    }

    /// How often it has been told.
    public int count() {
        return count.get();
    }

    /// Waits, a bounded time. The caller owns the outcome's buffers.
    public Outcome await() {
        try {
            Outcome told = outcome.get(WAIT_SECONDS, TimeUnit.SECONDS);
            check();
            return told;
        } catch (TimeoutException e) {
            throw new AssertionError(
                    "no answer within %d s to %s".formatted(WAIT_SECONDS, submitted), e);
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError("waiting for an answer to " + submitted, e);
        }
    }

    /// Fails if it was told more than once, or of another request than the one submitted.
    public void check() {
        if (count.get() > 1) {
            throw new AssertionError("answered %d times: %s".formatted(count.get(), submitted));
        }
        if (toldOf != null && toldOf != submitted) {
            throw new AssertionError(
                    "submitted %s, but was told of %s".formatted(submitted, toldOf));
        }
    }
}
