package org.unifiedvolume.device;

import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// A fixed-size array of bytes that carries out requests.
///
/// Devices store bytes, layers decorate one device, arrays spread over many. Safe for concurrent
/// callers. Overlapping writes that are in flight together may land in either order.
public interface BlockDevice extends AutoCloseable {
    /// Size, block sizes, limits and abilities; constant from open to close, but for
    /// the size, which may grow.
    DeviceShape shape();

    /// Where a request for this range would be carried out now. The range lies within the device.
    ///
    /// @param operation decides where copies differ: a mirror reads from one leg, writes to all
    Locality locality(Operation operation, long offsetBytes, long lengthBytes);

    /// How many bytes from `offsetBytes` on have the same locality as the byte there, at least 1
    /// and at most to the end of the device.
    default long localityRun(long offsetBytes) {
        return shape().sizeBytes() - offsetBytes;
    }

    /// Starts one request and returns without blocking. `done` is told exactly once, perhaps before
    /// this returns, perhaps on another thread, and with this very request. A failed change leaves
    /// its range unspecified until it is written again.
    ///
    /// The range is not empty but for a flush, lies within the device on its block grid, is no
    /// longer than `maxTransferBytes` for reads and writes, and a change is not asked of a device
    /// that cannot write: [org.unifiedvolume.volume.Volume] answers other requests before they come
    /// here, and a layout cuts its children to fit.
    void submit(IoRequest request, Completion done);

    /// How the device is now. On any thread; must not block.
    DeviceStatus status();

    /// Releases what the device holds. Requests still in flight are answered first or fail; waits
    /// for them a bounded time. Closing twice is harmless.
    @Override
    void close();
}
