package org.unifiedvolume.loop;

import org.unifiedvolume.device.Timers;

/// One thread of the data path, as seen by those who run on it.
public interface Loop extends Timers {
    /// Whether the calling thread is this loop's.
    boolean inLoop();

    /// Runs a task on the loop's thread, soon. May be called from any thread.
    void execute(Runnable task);

    /// Runs a task when the events at hand have been handled and before the loop waits again: the
    /// place to send what has gathered. Only on the loop's thread.
    void atEnd(Runnable task);
}
