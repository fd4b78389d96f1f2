package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings the newest state to disk on a thread of its own, and tells who waits for it.
///
/// States that come while one is being written are written together, the last one counts. After a
/// failure nothing is retried until somebody waits again: each waiter gets one honest try.
final class StateKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(StateKeeper.class);

    private record Waiter(long number, Consumer<IOException> told) {}

    private final StateStore store;
    private final ControlThreads threads;
    private final ReentrantLock lock = new ReentrantLock();
    private List<Waiter> waiters = new ArrayList<>();
    private ArrayState wanted;
    private long wantedNumber;
    private long savedNumber;
    private boolean saving;

    /// Whether the newest state is on disk.
    private volatile boolean settled = true;

    /// Why the last try failed; null if it did not.
    private volatile IOException problem;

    StateKeeper(StateStore store, ControlThreads threads) {
        this.store = store;
        this.threads = threads;
    }

    String place() {
        return store.place();
    }

    boolean isSettled() {
        return settled;
    }

    IOException problem() {
        return problem;
    }

    /// From now on this is the state. Does not wait.
    void change(ArrayState state) {
        lock.lock();
        try {
            wanted = state;
            wantedNumber++;
            settled = false;
            startSaving();
        } finally {
            lock.unlock();
        }
    }

    /// Tells when everything up to now is on disk, with null, or why it could not be brought there.
    void whenSettled(Consumer<IOException> told) {
        lock.lock();
        try {
            if (savedNumber < wantedNumber) {
                waiters.add(new Waiter(wantedNumber, told));
                startSaving();
                return;
            }
        } finally {
            lock.unlock();
        }
        told.accept(null);
    }

    /// Waits until everything up to now is on disk.
    void settle() throws IOException {
        IOException[] result = new IOException[1];
        try {
            threads.await(
                    done ->
                            whenSettled(
                                    failed -> {
                                        result[0] = failed;
                                        done.run();
                                    }));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted before %s was written".formatted(place()), e);
        }
        if (result[0] != null) {
            throw result[0];
        }
    }

    private void startSaving() {
        if (!saving) {
            saving = true;
            threads.start("uvol-superblocks", this::saveAll);
        }
    }

    private void saveAll() {
        while (true) {
            ArrayState state;
            long number;
            lock.lock();
            try {
                state = wanted;
                number = wantedNumber;
            } finally {
                lock.unlock();
            }
            IOException failed = save(state);
            List<Waiter> ended;
            boolean more;
            lock.lock();
            try {
                problem = failed;
                if (failed == null) {
                    savedNumber = number;
                    settled = savedNumber == wantedNumber;
                }
                ended = takeWaiters(failed == null ? savedNumber : Long.MAX_VALUE);
                more = failed == null && !settled;
                saving = more;
            } finally {
                lock.unlock();
            }
            ended.forEach(waiter -> waiter.told.accept(failed));
            if (!more) {
                return;
            }
        }
    }

    private List<Waiter> takeWaiters(long upTo) {
        List<Waiter> ended = new ArrayList<>();
        List<Waiter> others = new ArrayList<>();
        for (Waiter waiter : waiters) {
            (waiter.number <= upTo ? ended : others).add(waiter);
        }
        waiters = others;
        return ended;
    }

    private IOException save(ArrayState state) {
        try {
            store.save(state);
            return null;
        } catch (IOException e) {
            String message =
                    "cannot write down the state of %s: %s".formatted(place(), e.getMessage());
            if (problem == null) {
                LOG.error(message); // once, not for each request that fails of it
            }
            return new IOException(message, e);
        }
    }
}
