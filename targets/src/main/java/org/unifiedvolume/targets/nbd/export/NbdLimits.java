package org.unifiedvolume.targets.nbd.export;

/// What one server grants its clients, so that none can take what the others need.
///
/// @param connections how many clients may be connected at once
/// @param handshakeNanos how long a client may take from connecting to the transmission phase
/// @param options how many options a client may send
/// @param optionBytes how long the data of an option may be
/// @param payloadBytes how long a read or write may be; advertised to clients
/// @param requestsInFlight how many requests of one connection are worked on at once
/// @param bytesInFlight how many payload bytes of one connection are held at once
/// @param stallNanos how long a connection may hold payload memory without making progress while
///     others wait for it
public record NbdLimits(
        int connections,
        long handshakeNanos,
        int options,
        int optionBytes,
        int payloadBytes,
        int requestsInFlight,
        long bytesInFlight,
        long stallNanos) {
    public static final NbdLimits DEFAULT =
            new NbdLimits(
                    1024, 10_000_000_000L, 256, 64 * 1024, 32 << 20, 256, 32 << 20, 5_000_000_000L);

    public NbdLimits withConnections(int count) {
        return new NbdLimits(
                count,
                handshakeNanos,
                options,
                optionBytes,
                payloadBytes,
                requestsInFlight,
                bytesInFlight,
                stallNanos);
    }

    public NbdLimits withHandshakeNanos(long nanos) {
        return new NbdLimits(
                connections,
                nanos,
                options,
                optionBytes,
                payloadBytes,
                requestsInFlight,
                bytesInFlight,
                stallNanos);
    }
}
