package org.unifiedvolume.device;

import java.util.EnumSet;
import java.util.Set;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Operation;

/// What a device is and can do; constant from open to close, but for the size, which may grow.
///
/// @param sizeBytes a multiple of `blockBytes`
/// @param blockBytes the grid that offsets and lengths keep to; a power of two, 1 for none
/// @param preferredBytes the request size and alignment that the device serves best; a power of two
/// @param maxTransferBytes the longest read or write it takes in one request
/// @param memoryAlignmentBytes how payloads should lie in memory; 1 for anyhow. A payload that does
///     not is served too, at the price of a copy
/// @param abilities what it does beyond reading
public record DeviceShape(
        long sizeBytes,
        int blockBytes,
        int preferredBytes,
        long maxTransferBytes,
        int memoryAlignmentBytes,
        Set<Ability> abilities) {

    /// What a device may be able to do beyond reading.
    public enum Ability {
        WRITE,
        /// Gives space back on [org.unifiedvolume.request.IoRequest.Discard].
        DISCARD,
        /// Zeroes without writing byte by byte.
        FAST_ZERO,
        /// Has a volatile cache that a flush empties. Without it every change is durable at once.
        FLUSH,
        /// Knows which ranges hold data.
        LOCATE,
        /// Stores long payloads straight from the pipe in which they have arrived
        /// ([org.unifiedvolume.request.IoRequest.Write#mayDrain]); others fetch them into memory.
        DRAIN
    }

    /// The longest transfer of a device that has no limit of its own: 32 MiB, as NBD's default.
    public static final long UNLIMITED_TRANSFER_BYTES = 32L << 20;

    public DeviceShape {
        Invariant.check(sizeBytes >= 0, "a size of %d bytes", sizeBytes);
        Invariant.check(Integer.bitCount(blockBytes) == 1, "a block of %d bytes", blockBytes);
        Invariant.check(
                Integer.bitCount(preferredBytes) == 1 && preferredBytes >= blockBytes,
                "a preferred size of %d bytes",
                preferredBytes);
        Invariant.check(sizeBytes % blockBytes == 0, "%d bytes are not whole blocks", sizeBytes);
        Invariant.check(
                maxTransferBytes >= preferredBytes,
                "a longest transfer of %d bytes",
                maxTransferBytes);
        abilities = Set.copyOf(abilities);
    }

    /// The shape of plain memory: byte-granular, can do everything.
    public static DeviceShape ofMemory(long sizeBytes) {
        return new DeviceShape(
                sizeBytes, 1, 4096, UNLIMITED_TRANSFER_BYTES, 1, EnumSet.allOf(Ability.class));
    }

    public boolean can(Ability ability) {
        return abilities.contains(ability);
    }

    public boolean isReadOnly() {
        return !can(Ability.WRITE);
    }

    public DeviceShape withSize(long newSizeBytes) {
        return new DeviceShape(
                newSizeBytes,
                blockBytes,
                preferredBytes,
                maxTransferBytes,
                memoryAlignmentBytes,
                abilities);
    }

    public DeviceShape withMaxTransfer(long newMaxTransferBytes) {
        return new DeviceShape(
                sizeBytes,
                blockBytes,
                preferredBytes,
                newMaxTransferBytes,
                memoryAlignmentBytes,
                abilities);
    }

    public DeviceShape withAbilities(Set<Ability> newAbilities) {
        return new DeviceShape(
                sizeBytes,
                blockBytes,
                preferredBytes,
                maxTransferBytes,
                memoryAlignmentBytes,
                newAbilities);
    }

    /// Whether a range is on the block grid and within the device. Safe for any numbers.
    public boolean holds(long offsetBytes, long lengthBytes) {
        return offsetBytes >= 0
                && lengthBytes >= 0
                && lengthBytes <= sizeBytes
                && offsetBytes <= sizeBytes - lengthBytes
                && ((offsetBytes | lengthBytes) & (blockBytes - 1)) == 0;
    }

    /// The fault that answers a request whose range [#holds] denies.
    public DeviceFault outside(Operation operation, long offsetBytes, long lengthBytes) {
        return new DeviceFault(
                DeviceFault.Kind.BAD_RANGE,
                "%s at offset %d, %d bytes, is not in whole blocks of %d within %d bytes"
                        .formatted(operation, offsetBytes, lengthBytes, blockBytes, sizeBytes));
    }
}
