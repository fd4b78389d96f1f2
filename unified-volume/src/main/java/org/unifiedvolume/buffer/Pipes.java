package org.unifiedvolume.buffer;

import java.util.ArrayDeque;
import org.unifiedvolume.linux.Pipe;

/// The pipes of one stream: those that are idle wait here for the next payload.
///
/// Safe for use by many threads: a payload may be released on any.
public final class Pipes {
    /// More payloads than this at a time are received into memory.
    private static final int MOST = 16;

    private final ArrayDeque<Pipe> idle = new ArrayDeque<>();
    private int open;
    private boolean closed;

    /// An empty pipe; null if there is none to be had.
    synchronized Pipe take() {
        Pipe pipe = idle.pollLast();
        if (pipe == null && open < MOST && !closed) {
            pipe = Pipe.open();
            open += pipe == null ? 0 : 1;
        }
        return pipe;
    }

    /// Takes a pipe back.
    ///
    /// @param isEmpty whether nothing is in it; one that holds bytes is closed
    synchronized void giveBack(Pipe pipe, boolean isEmpty) {
        if (isEmpty && !closed) {
            idle.addLast(pipe);
        } else {
            open--;
            pipe.close();
        }
    }

    /// Closes the idle pipes, and the others as they come back.
    public synchronized void close() {
        closed = true;
        idle.forEach(Pipe::close);
        open -= idle.size();
        idle.clear();
    }
}
