package org.unifiedvolume.raid.redundant;

/// Work on an array that goes on beside that of its clients.
interface Job {
    /// What it is: `rebuild of file:/srv/a.img`.
    String name();

    /// It is not to go on. Takes effect before its next piece of work.
    void cancel();

    boolean hasEnded();

    /// Why it stopped before its end, or cannot go on now; empty if it can.
    String problem();

    JobProgress progress();
}
