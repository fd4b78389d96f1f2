package org.unifiedvolume.raid.redundant;

import java.util.function.Consumer;

/// Threads for code that waits; handed in so that tests can run it on virtual time.
public interface ControlThreads {
    /// Runs a task on a thread of its own.
    void start(String name, Runnable task);

    /// Asks for something and waits until it says that it is done.
    ///
    /// @param asked is given what to run when it is done, which may happen before it returns and
    ///     more than once
    /// @throws InterruptedException if the waiting thread is to end
    void await(Consumer<Runnable> asked) throws InterruptedException;
}
