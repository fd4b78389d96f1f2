package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.time.Duration;

/// [SequencedWrites] at work on a thread of its own, over a connection of its own.
public final class Load implements AutoCloseable {
    private final SequencedWrites writes;
    private final NbdClient client;
    private final Thread thread;

    private Load(SequencedWrites writes, NbdClient client) {
        this.writes = writes;
        this.client = client;
        this.thread = Thread.ofPlatform().name("load").daemon().unstarted(this::run);
    }

    /// Starts to write to a part of an export until the connection breaks or the load is stopped.
    public static Load start(Lab lab, int port, String export, SequencedWrites writes)
            throws IOException {
        Load load = lab.keep(new Load(writes, NbdClient.open(port, export)));
        load.thread.start();
        return load;
    }

    private void run() {
        writes.runUntilCut(client);
    }

    /// Waits until so many more rounds are durable.
    public void awaitRounds(int more) {
        int goal = writes.rounds() + more;
        Waiting.until(
                () -> "%d rounds are durable, not %d".formatted(goal, writes.rounds()),
                Duration.ofSeconds(40),
                () -> writes.rounds() >= goal);
    }

    /// Ends the load between two rounds.
    public void stop() {
        thread.interrupt();
        join();
    }

    /// As [#stop], and fails if the volume has answered anything with an error.
    public void stopsWithoutErrors() {
        stop();
        if (!writes.errors().isEmpty()) {
            throw new AssertionError("errors under load: " + writes.errors());
        }
    }

    /// Waits for the end of a load whose server has been killed.
    public void join() {
        try {
            thread.join(Duration.ofSeconds(40));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            throw new AssertionError("the load does not end");
        }
    }

    @Override
    public void close() throws IOException {
        thread.interrupt();
        client.close();
        join();
    }
}
