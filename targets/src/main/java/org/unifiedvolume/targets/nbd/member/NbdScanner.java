package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.spi.Scanner;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.targets.nbd.member.ClientHandshake.Goal;
import org.unifiedvolume.targets.nbd.member.ClientHandshake.Listed;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.TlsSettings;
import org.unifiedvolume.transport.Transport;

/// Lists the exports of an NBD server, with their sizes: `NBD_OPT_LIST`, then `NBD_OPT_INFO` for
/// each name. A URI with an export's name asks about that one alone.
public final class NbdScanner implements Scanner {
    private static final long TIMEOUT_NANOS = 5_000_000_000L;

    /// So many exports are asked about one by one; the others are listed without their size.
    private static final int MAX_INQUIRIES = 1000;

    @Override
    public Set<String> schemes() {
        return NbdAddress.SCHEMES;
    }

    @Override
    public List<Offer> scan(DeviceUri uri, TargetContext context) throws ConfigFault, IOException {
        NbdAddress address = NbdAddress.of(uri);
        TlsSettings tls = NbdKind.tls(uri, address);
        uri.rejectUnknownKeys();
        Host host =
                new Host(
                        address,
                        address.resolve(),
                        tls,
                        tls == null ? context.transports().plain() : context.transports().secure());
        if (!address.exportName().isEmpty()) {
            return List.of(host.inform(new Listed(address.exportName(), "")));
        }
        List<Listed> listed = host.ask("", Goal.LIST).listed();
        List<Offer> offers = new ArrayList<>();
        for (Listed export : listed) {
            if (offers.size() < MAX_INQUIRIES) {
                offers.add(host.describe(export));
            } else {
                offers.add(host.unknown(export, export.description()));
            }
        }
        return offers;
    }

    /// The server that is asked.
    private record Host(
            NbdAddress address, SocketAddress where, TlsSettings tls, Transport transport) {
        /// What the server says about one export, or why it says nothing.
        Offer describe(Listed export) {
            try {
                return inform(export);
            } catch (IOException e) {
                return unknown(export, e.getMessage());
            }
        }

        Offer unknown(Listed export, String description) {
            return new Offer(address.uri(export.name(), address.port()), -1, false, description);
        }

        Offer inform(Listed export) throws IOException {
            ExportInfo info = ask(export.name(), Goal.INFORM).info();
            return new Offer(
                    address.uri(export.name(), address.port()),
                    info.sizeBytes(),
                    info.isReadOnly(),
                    export.description());
        }

        ClientHandshake ask(String exportName, Goal goal) throws IOException {
            List<Loop> loops = new ArrayList<>();
            transport.loops(loops::add);
            CompletableFuture<ClientHandshake> answer = new CompletableFuture<>();
            transport.dial(
                    where,
                    loops.getFirst(),
                    TIMEOUT_NANOS,
                    new Transport.Dialled() {
                        @Override
                        public StreamHandler connected(ByteStream stream) {
                            return new Inquiry(
                                    stream, exportName, tls, goal, TIMEOUT_NANOS, answer);
                        }

                        @Override
                        public void failed(IOException cause) {
                            answer.completeExceptionally(cause);
                        }
                    });
            try {
                return answer.get();
            } catch (ExecutionException e) {
                throw new IOException(
                        "%s: %s; check the address and that an NBD server runs there"
                                .formatted(address.where(), e.getCause().getMessage()),
                        e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(address.where() + ": the scan was interrupted", e);
            }
        }
    }
}
