package org.unifiedvolume.targets.nbd.export;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ExportKind;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.transport.TlsSettings;
import org.unifiedvolume.volume.Volume;

/// `nbd://address:port/name` and its kin as exports. Exports on one address share one server.
///
/// Options: `readonly`, `connections` (how many clients at once), `socket` (for `nbd+unix`),
/// `tls-certificates` (a folder with `ca-cert.pem`, `server-cert.pem`, `server-key.pem`) and
/// `tls-verify-peer` (whether clients must show a certificate). With `nbds` TLS is required, with
/// `nbd` and `tls-certificates` it is offered.
public final class NbdExportKind implements ExportKind {
    private static final long CLOSE_NANOS = 5_000_000_000L;

    private record Key(Object process, SocketAddress address) {}

    private final Map<Key, NbdServer> servers = new HashMap<>();

    @Override
    public Set<String> schemes() {
        return NbdAddress.SCHEMES;
    }

    @Override
    public ExportPlan plan(DeviceUri uri) throws ConfigFault {
        NbdAddress address = NbdAddress.of(uri);
        boolean readOnly = uri.flag("readonly", false);
        int connections = uri.number("connections", NbdLimits.DEFAULT.connections(), 1, 1_000_000);
        Path certificates = uri.pathOption("tls-certificates");
        boolean verifyPeer = uri.flag("tls-verify-peer", false);
        uri.rejectUnknownKeys();
        if (address.encrypted() && certificates == null) {
            throw uri.fault(
                    "needs a certificate",
                    "add ?tls-certificates=/folder with ca-cert.pem, server-cert.pem and"
                            + " server-key.pem");
        }
        if (verifyPeer && certificates == null) {
            throw uri.fault("verifies clients without TLS", "write nbds and tls-certificates");
        }
        NbdTls tls =
                certificates == null
                        ? null
                        : new NbdTls(
                                TlsSettings.ofServer(certificates, verifyPeer),
                                address.encrypted());
        return new Plan(
                uri.toString(),
                address,
                readOnly,
                NbdLimits.DEFAULT.withConnections(connections),
                tls);
    }

    private final class Plan implements ExportPlan {
        private final String name;
        private final NbdAddress address;
        private final boolean readOnly;
        private final NbdLimits limits;
        private final NbdTls tls;

        Plan(String name, NbdAddress address, boolean readOnly, NbdLimits limits, NbdTls tls) {
            this.name = name;
            this.address = address;
            this.readOnly = readOnly;
            this.limits = limits;
            this.tls = tls;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Object identity() {
            // Port 0 asks for any free port: two of them never meet.
            return address.socket() == null && address.port() == 0
                    ? new Object()
                    : List.of(address.where(), address.exportName());
        }

        @Override
        public Export open(Volume volume, TargetContext context) throws IOException {
            NbdExport export = new NbdExport(address.exportName(), volume, readOnly);
            SocketAddress where = address.resolve();
            NbdServer server;
            // Under the lock, so that nobody closes the server before the export is on it.
            synchronized (servers) {
                server = server(where, context);
                try {
                    server.add(export);
                } catch (IllegalArgumentException e) {
                    throw new IOException(
                            "%s: %s; give it another name".formatted(name, e.getMessage()), e);
                }
            }
            int port = server.address() instanceof InetSocketAddress inet ? inet.getPort() : 0;
            return new Open(address.uri(export.name(), port), server, export);
        }

        private NbdServer server(SocketAddress where, TargetContext context) throws IOException {
            boolean anyPort = where instanceof InetSocketAddress inet && inet.getPort() == 0;
            Key key = new Key(context.transports(), where);
            synchronized (servers) {
                NbdServer server = anyPort ? null : servers.get(key);
                if (server == null) {
                    server =
                            NbdServer.listen(
                                    tls == null
                                            ? context.transports().plain()
                                            : context.transports().secure(),
                                    where,
                                    limits,
                                    tls,
                                    context.admission());
                    servers.put(anyPort ? new Key(key.process, server.address()) : key, server);
                } else if (!Objects.equals(server.tls(), tls)) {
                    throw new IOException(
                            "%s: another export on %s has other TLS options; give both the same"
                                    .formatted(name, address.where()));
                }
                return server;
            }
        }
    }

    private final class Open implements Export {
        private final String uri;
        private final NbdServer server;
        private final NbdExport export;

        Open(String uri, NbdServer server, NbdExport export) {
            this.uri = uri;
            this.server = server;
            this.export = export;
        }

        @Override
        public String uri() {
            return uri;
        }

        @Override
        public void close() {
            synchronized (servers) {
                server.remove(export, CLOSE_NANOS);
                if (server.isEmpty()) {
                    server.close();
                    servers.values().remove(server);
                }
            }
        }
    }
}
