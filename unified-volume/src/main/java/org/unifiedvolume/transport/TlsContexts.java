package org.unifiedvolume.transport;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.net.ssl.SSLException;

/// Makes TLS contexts from [TlsSettings]; says which file is wrong if one is.
final class TlsContexts {
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    private TlsContexts() {}

    static SslContext server(TlsSettings settings) throws IOException {
        check(settings);
        try {
            SslContextBuilder builder =
                    SslContextBuilder.forServer(
                                    PemFiles.key(settings.key()),
                                    PemFiles.certificates(settings.certificate()))
                            .sslProvider(SslProvider.JDK)
                            .protocols(PROTOCOLS);
            if (settings.verifyPeer()) {
                builder.trustManager(PemFiles.certificates(settings.authority()))
                        .clientAuth(ClientAuth.REQUIRE);
            }
            return builder.build();
        } catch (SSLException | IllegalArgumentException e) {
            throw unusable(settings, e);
        }
    }

    static SslContext client(TlsSettings settings) throws IOException {
        check(settings);
        try {
            SslContextBuilder builder =
                    SslContextBuilder.forClient()
                            .sslProvider(SslProvider.JDK)
                            .protocols(PROTOCOLS)
                            .endpointIdentificationAlgorithm(
                                    settings.verifyPeer() ? "HTTPS" : null);
            if (!settings.verifyPeer()) {
                builder.trustManager(InsecureTrustManagerFactory.INSTANCE);
            } else if (settings.authority() != null) {
                builder.trustManager(PemFiles.certificates(settings.authority()));
            }
            if (settings.certificate() != null) {
                builder.keyManager(
                        PemFiles.key(settings.key()),
                        PemFiles.certificates(settings.certificate()));
            }
            return builder.build();
        } catch (SSLException | IllegalArgumentException e) {
            throw unusable(settings, e);
        }
    }

    private static void check(TlsSettings settings) throws IOException {
        for (Path file :
                new Path[] {settings.authority(), settings.certificate(), settings.key()}) {
            if (file != null && !Files.isReadable(file)) {
                throw new IOException(
                        "TLS needs %s, which cannot be read; create it, or name another folder with"
                                        .formatted(file)
                                + " tls-certificates");
            }
        }
    }

    private static IOException unusable(TlsSettings settings, Exception cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return new IOException(
                "TLS cannot use the files beside %s: %s"
                        .formatted(
                                settings.certificate() == null
                                        ? settings.authority()
                                        : settings.certificate(),
                                root.getMessage()),
                cause);
    }
}
