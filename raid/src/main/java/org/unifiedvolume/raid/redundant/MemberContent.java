package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.superblock.KnownContent;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.volume.Member;

/// Tells what a device carries that is to become a member of an array.
public final class MemberContent {
    /// What was found.
    ///
    /// @param words what it is, for users; empty if nothing is there
    /// @param isSurelyZero whether every byte is known to be zero
    public record Content(String words, boolean isSurelyZero) {
        public boolean isBlank() {
            return words.isEmpty();
        }
    }

    private MemberContent() {}

    /// Looks at a member's first and last bytes, and at what it knows of its extents. Blocks.
    ///
    /// @throws IOException if it cannot be read
    public static Content look(Member member, BlockingLegs blocking) throws IOException {
        if (isSurelyZero(member, blocking)) {
            return new Content("", true);
        }
        return new Content(KnownContent.describe(new MemberAccess(member, blocking)), false);
    }

    /// Whether every byte of a member is known to be zero. Blocks.
    ///
    /// @throws IOException if it cannot be asked
    static boolean isSurelyZero(Member member, BlockingLegs blocking) throws IOException {
        if (!member.shape().can(Ability.LOCATE)) {
            return false;
        }
        long size = member.shape().sizeBytes();
        try {
            long at = 0;
            long run = -1;
            while (at < size && run != 0) {
                run = blocking.zeroRun(member, at, size - at);
                at += run;
            }
            return at == size;
        } catch (DeviceFault fault) {
            throw new IOException(
                    "%s cannot be read: %s".formatted(member.uri(), fault.getMessage()), fault);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + member.uri() + " was looked at", e);
        }
    }
}
