package org.unifiedvolume.transport;

import java.util.function.Supplier;

/// The transports of a process: one for plain streams, one for encrypted ones.
///
/// The second is made when it is first needed: most processes never do.
public final class Transports {
    private final Transport plain;
    private final Supplier<Transport> makeSecure;
    private Transport secure;

    public Transports(Transport plain, Supplier<Transport> makeSecure) {
        this.plain = plain;
        this.makeSecure = makeSecure;
    }

    public Transport plain() {
        return plain;
    }

    /// The transport whose streams can be upgraded to TLS.
    public synchronized Transport secure() {
        if (secure == null) {
            secure = makeSecure.get();
        }
        return secure;
    }
}
