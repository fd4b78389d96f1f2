package org.unifiedvolume.volume;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stats.Meter;

/// The way out of a volume for the requests of one locality: to descriptors of this host, or to
/// sockets. Keeps the account of everything that leaves this way.
public final class Lane {
    private final Locality locality;
    private final Meter meter = new Meter();

    Lane(Locality locality) {
        this.locality = locality;
    }

    public Locality locality() {
        return locality;
    }

    public Meter meter() {
        return meter;
    }

    /// Carries a request out to a member's device.
    void carry(BlockDevice device, IoRequest request, Completion done) {
        device.submit(request, done);
    }

    /// Adds an answered request to the account.
    void account(IoRequest request, Outcome outcome, long nanos) {
        meter.record(request.tag().operation(), request.lengthBytes(), nanos, outcome.isSuccess());
    }
}
