package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.SplitLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.MemberKind;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.transport.TlsSettings;

/// `nbd://host:port/name` and its kin as members.
///
/// Options: `connections`, `depth`, `deadline`, `connect` (how long one attempt may take),
/// `readonly`, `replay` (how many bytes of unflushed writes to keep), `socket` (for `nbd+unix`),
/// `tls-certificates` (a folder with `ca-cert.pem` and perhaps `client-cert.pem` and
/// `client-key.pem`), `tls-hostname`, `tls-verify-peer`.
public final class NbdKind implements MemberKind {
    private static final int DEFAULT_DEPTH = 64;
    private static final int DEFAULT_CONNECTIONS = 2;
    private static final long DEFAULT_DEADLINE_NANOS = 30_000_000_000L;
    private static final long DEFAULT_CONNECT_NANOS = 5_000_000_000L;
    private static final long DEFAULT_REPLAY_BYTES = 16 << 20;

    @Override
    public Set<String> schemes() {
        return NbdAddress.SCHEMES;
    }

    @Override
    public MemberPlan plan(DeviceUri uri) throws ConfigFault {
        NbdAddress address = NbdAddress.of(uri);
        int depth = uri.number("depth", DEFAULT_DEPTH, 1, 4096);
        NbdOptions options =
                new NbdOptions(
                        uri.toString(),
                        address,
                        tls(uri, address),
                        uri.flag("readonly", false),
                        uri.number("connections", DEFAULT_CONNECTIONS, 1, 64),
                        uri.duration("deadline", DEFAULT_DEADLINE_NANOS),
                        uri.duration("connect", DEFAULT_CONNECT_NANOS),
                        uri.size("replay", DEFAULT_REPLAY_BYTES));
        uri.rejectUnknownKeys();
        if (options.deadlineNanos() == 0 || options.connectNanos() == 0) {
            throw uri.fault("has a limit of no time", "write a duration such as 30s");
        }
        return new Plan(options, depth);
    }

    /// How a member's URI wants its streams encrypted; null for not at all.
    static TlsSettings tls(DeviceUri uri, NbdAddress address) throws ConfigFault {
        Path certificates = uri.pathOption("tls-certificates");
        String hostName = uri.option("tls-hostname");
        boolean verify = uri.flag("tls-verify-peer", true);
        if (!address.encrypted()) {
            if (certificates != null || hostName != null) {
                throw uri.fault("has TLS options without TLS", "write nbds instead of nbd");
            }
            return null;
        }
        return TlsSettings.ofClient(
                certificates, hostName == null ? address.host() : hostName, verify);
    }

    private record Plan(NbdOptions options, int depth) implements MemberPlan {
        @Override
        public String name() {
            return options.name();
        }

        @Override
        public Object identity() {
            return List.of(options.address().where(), options.address().exportName());
        }

        @Override
        public Locality locality() {
            return Locality.REMOTE;
        }

        @Override
        public long deadlineNanos() {
            return options.deadlineNanos();
        }

        @Override
        public BlockDevice open(TargetContext context) throws IOException {
            NbdDevice device =
                    NbdDevice.open(
                            options,
                            options.tls() == null
                                    ? context.transports().plain()
                                    : context.transports().secure(),
                            context.io());
            // Some servers take less in one request than our own clients may send.
            return SplitLayer.over(device, context.io());
        }
    }
}
