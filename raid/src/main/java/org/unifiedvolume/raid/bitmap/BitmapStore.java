package org.unifiedvolume.raid.bitmap;

import java.util.function.Consumer;
import org.unifiedvolume.request.DeviceFault;

/// Where a bitmap is kept: on every member that takes changes.
public interface BitmapStore {
    /// Makes consecutive blocks durable on every member that takes changes. Must not block. The
    /// next call comes only after this one was answered.
    ///
    /// @param firstBlock the number of the first of them
    /// @param blocks their bytes, whole blocks of [BitmapBlocks#BLOCK_BYTES]; not changed
    ///     afterwards
    /// @param done told exactly once, on any thread, perhaps before this returns: null, or why some
    ///     member that still takes changes may lack them
    void write(int firstBlock, byte[] blocks, Consumer<DeviceFault> done);

    /// Makes everything durable on all members that was changed so far, if bits may be cleared at
    /// all: that is if no member is missing or being filled, and if a member that leaves from now
    /// on can tell that bits were cleared after an event that it had not seen. Must not block.
    ///
    /// @param go told exactly once, on any thread, perhaps before this returns: whether bits may be
    ///     cleared; if not, [WriteIntentBitmap#mayClearAgain] is called when they may be
    void prepareClear(Consumer<Boolean> go);
}
