package org.unifiedvolume.raid.bitmap;

import java.util.function.Consumer;
import org.unifiedvolume.request.DeviceFault;

/// Where a bitmap is kept: on every member that takes changes.
public interface BitmapStore {
    /// Makes consecutive blocks durable on every member that takes changes. Must not block.
    ///
    /// @param firstBlock the number of the first of them
    /// @param blocks their bytes; not changed afterwards
    /// @param done told once, on any thread: null, or why some member that counts lacks them
    void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done);

    /// Makes everything durable that was changed so far, if bits may be cleared at all now. Must
    /// not block.
    ///
    /// @param done told once, on any thread: whether bits may be cleared
    void prepareClear(Consumer<Boolean> done);
}
