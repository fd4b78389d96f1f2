package org.unifiedvolume.spi;

/// A volume being served.
public interface Export extends AutoCloseable {
    /// Where clients find it; a port that was chosen by the system is filled in.
    String uri();

    /// Stops serving: new requests are refused, those under way are answered within a bounded time,
    /// clients are disconnected.
    @Override
    void close();
}
