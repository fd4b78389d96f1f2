package org.unifiedvolume.buffer;

import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.linux.Pipe;

/// A payload that still lies in the kernel, in a pipe.
///
/// Its bytes go one of two ways: [#drainTo] moves them into a file, after which they are gone, so
/// only the one who knows that nobody else wants them may do that
/// ([org.unifiedvolume.request.IoRequest.Write#mayDrain]); or they are looked at like any others,
/// and are fetched into memory then. The memory is there from the start, so that fetching cannot
/// fail for want of it.
///
/// Filled by the stream's loop; afterwards safe for use by many threads.
public final class PipedBuffers extends Buffers {
    private enum Place {
        PIPE,
        MEMORY,
        GONE
    }

    private final Pipes home;
    private final Pipe pipe;
    private final Buffers memory;
    private final AtomicInteger references = new AtomicInteger(1);
    private long filledBytes;
    private long drainedBytes;
    private volatile Place place = Place.PIPE;

    private PipedBuffers(Pipes home, Pipe pipe, Buffers memory) {
        this.home = home;
        this.pipe = pipe;
        this.memory = memory;
    }

    /// Begins a payload of a length.
    ///
    /// @return null if there is no pipe or no memory to be had
    public static PipedBuffers begin(Pipes pipes, BufferPool pool, long lengthBytes) {
        Pipe pipe = pipes.take();
        if (pipe == null) {
            return null;
        }
        Buffers memory = pool.allocate(lengthBytes);
        if (memory == null) {
            pipes.giveBack(pipe, true);
            return null;
        }
        return new PipedBuffers(pipes, pipe, memory);
    }

    // -------------------------------------------------------------- for the one who fills it

    /// Moves in what has arrived at a socket.
    ///
    /// @return how many bytes; 0 at the end of the stream; a negative error number, of which
    ///     `-EAGAIN` says that nothing has arrived or that the pipe is full
    public long fillFrom(int socket) {
        long count = pipe.fill(socket, memory.length() - filledBytes);
        filledBytes += Math.max(0, count);
        return count;
    }

    public boolean isFull() {
        return filledBytes == memory.length();
    }

    public long filledBytes() {
        return filledBytes;
    }

    /// Gives the pipe up before all has arrived: what is there is fetched into memory.
    ///
    /// @return the memory, of which the first [#filledBytes] are filled; the caller takes over this
    ///     payload's reference
    public Buffers toMemory() {
        fetch(filledBytes);
        home.giveBack(pipe, true);
        return memory;
    }

    // ------------------------------------------------------------------------- for devices

    /// Moves all bytes into a file; may wait for it. They are gone from here then, as far as they
    /// were moved.
    ///
    /// @return 0 if all were moved; a negative error number if not; `-EINVAL` and `-EAGAIN` say
    ///     that none was, and that the payload is to be written from memory
    public synchronized long drainTo(int file, long offsetBytes) {
        while (place != Place.MEMORY && drainedBytes < filledBytes) {
            long count = pipe.drain(file, offsetBytes + drainedBytes, filledBytes - drainedBytes);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count > 0) {
                place = Place.GONE;
                drainedBytes += count;
            } else if (drainedBytes > 0 || count != -Errno.EINVAL) {
                place = Place.GONE;
                return count == 0 ? -Errno.ENOSPC : count;
            } else {
                return -Errno.EINVAL;
            }
        }
        return place == Place.MEMORY ? -Errno.EINVAL : 0;
    }

    private synchronized Buffers inMemory() {
        Invariant.check(
                place != Place.GONE, "a payload was looked at after it had been moved away");
        if (place == Place.PIPE) {
            fetch(memory.length());
        }
        return memory;
    }

    private void fetch(long lengthBytes) {
        IoVector vector = new IoVector(memory.sliceCount());
        long done = 0;
        while (done < lengthBytes) {
            vector.clear();
            memory.part(0, lengthBytes).addTo(vector, done);
            long count = pipe.read(vector);
            Invariant.check(
                    count > 0 || count == -Errno.EINTR,
                    "a pipe gave up only %d bytes of a payload",
                    done);
            done += Math.max(0, count);
        }
        place = Place.MEMORY;
    }

    // -------------------------------------------------------------------------- as a payload

    @Override
    public long length() {
        return memory.length();
    }

    @Override
    public int sliceCount() {
        return memory.sliceCount();
    }

    @Override
    public Slice slice(int index) {
        return (place == Place.MEMORY ? memory : inMemory()).slice(index);
    }

    @Override
    public Buffers part(long offset, long count) {
        return (place == Place.MEMORY ? memory : inMemory()).part(offset, count);
    }

    @Override
    public void retain() {
        references.incrementAndGet();
        memory.retain();
    }

    @Override
    public void release() {
        memory.release();
        if (references.decrementAndGet() == 0) {
            boolean isEmpty = place == Place.MEMORY || drainedBytes == filledBytes;
            home.giveBack(pipe, isEmpty);
        }
    }
}
