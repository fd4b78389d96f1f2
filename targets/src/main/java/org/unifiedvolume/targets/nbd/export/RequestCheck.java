package org.unifiedvolume.targets.nbd.export;

import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.targets.nbd.wire.RequestHeader;

/// Holds the request that was decoded last against what its export can do (section "Transmission
/// phase").
final class RequestCheck {
    /// Why a request is not carried out.
    record Refusal(NbdError error, String message) {}

    private final RequestHeader header;
    private final NbdExport export;

    /// @param header decodes one request after the other
    RequestCheck(RequestHeader header, NbdExport export) {
        this.header = header;
        this.export = export;
    }

    /// Whether the request has only flags that its command knows; null if so.
    ///
    /// `NBD_CMD_FLAG_FUA` is taken with every command, as the standard demands, and ignored where
    /// nothing is written.
    Refusal flags(int allowed) {
        return (header.flags() & ~(allowed | Nbd.CMD_FLAG_FUA)) == 0
                ? null
                : new Refusal(
                        NbdError.EINVAL,
                        "%s with flags 0x%04x"
                                .formatted(Nbd.commandName(header.type()), header.flags()));
    }

    /// Whether the request may change its range, and the range is right; null if so.
    Refusal changeOf(NbdError beyondEnd) {
        return export.isReadOnly()
                ? new Refusal(NbdError.EPERM, "the export is read-only")
                : range(beyondEnd);
    }

    /// Whether the range is in whole blocks within the export; null if so.
    Refusal range(NbdError beyondEnd) {
        long size = export.shape().sizeBytes();
        long offset = header.offset();
        long length = header.length();
        if (length < 0 || offset < 0 || length > size || offset > size - length) {
            return new Refusal(
                    beyondEnd,
                    "%s at offset %s, %s bytes, ends beyond the export's %d bytes"
                            .formatted(
                                    Nbd.commandName(header.type()),
                                    Long.toUnsignedString(offset),
                                    Long.toUnsignedString(length),
                                    size));
        }
        if (!export.shape().holds(offset, length)) {
            return new Refusal(
                    NbdError.EINVAL,
                    "%s at offset %d, %d bytes, is not in whole blocks of %d bytes"
                            .formatted(
                                    Nbd.commandName(header.type()),
                                    offset,
                                    length,
                                    export.shape().blockBytes()));
        }
        return null;
    }
}
