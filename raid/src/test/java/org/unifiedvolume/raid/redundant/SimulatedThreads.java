package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.unifiedvolume.testkit.VirtualTime;

/// Control threads on virtual time: only one of them and the simulation runs at any moment, so a
/// run repeats exactly.
///
/// A thread that waits hands the turn back to the simulation and gets it again as a task of virtual
/// time. Code on the simulation's own thread may wait too: it then drives time itself.
public final class SimulatedThreads implements ControlThreads {
    /// Ends a control thread of a process that was killed.
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;

        Killed() {
            super("the simulated process was killed", null, false, false);
        }
    }

    private final VirtualTime time;
    private final List<Strand> strands = new ArrayList<>();

    /// Whose turn it is; null for the simulation itself.
    private Strand running;

    private boolean dead;

    public SimulatedThreads(VirtualTime time) {
        this.time = time;
    }

    @Override
    public void start(String name, Runnable task) {
        if (!dead) {
            Strand strand = new Strand(name, task);
            strands.add(strand);
            time.execute(strand::go);
        }
    }

    @Override
    public void await(Consumer<Runnable> asked) {
        Strand strand = running;
        boolean[] done = new boolean[1];
        boolean[] parked = new boolean[1];
        asked.accept(
                () -> {
                    if (!done[0]) {
                        done[0] = true;
                        if (parked[0]) {
                            time.execute(strand::go);
                        }
                    }
                });
        if (strand == null) {
            while (!done[0]) {
                if (!time.step()) {
                    throw new AssertionError("waits for something that will never happen");
                }
            }
        } else if (!done[0]) {
            parked[0] = true;
            strand.park();
        }
    }

    /// Ends all threads where they wait, as the end of their process does.
    public void kill() {
        dead = true;
        for (Strand strand : List.copyOf(strands)) {
            strand.go();
        }
    }

    private final class Strand {
        private final Semaphore turn = new Semaphore(0);
        private final Semaphore handedBack = new Semaphore(0);
        private Throwable failure;
        private boolean ended;

        Strand(String name, Runnable task) {
            Thread.ofVirtual()
                    .name(name)
                    .start(
                            () -> {
                                turn.acquireUninterruptibly();
                                try {
                                    if (!dead) {
                                        task.run();
                                    }
                                } catch (Killed e) {
                                    assert dead;
                                } catch (Error | RuntimeException e) {
                                    failure = e;
                                } finally {
                                    ended = true;
                                    handedBack.release();
                                }
                            });
        }

        /// Gives this thread the turn until it waits or ends.
        void go() {
            if (ended) {
                return;
            }
            Strand before = running;
            running = this;
            turn.release();
            handedBack.acquireUninterruptibly();
            running = before;
            if (ended) {
                strands.remove(this);
            }
            if (failure != null) {
                throw new AssertionError("a control thread failed", failure);
            }
        }

        void park() {
            handedBack.release();
            turn.acquireUninterruptibly();
            if (dead) {
                throw new Killed();
            }
        }
    }
}
