package org.unifiedvolume.transport;

import java.io.IOException;
import java.nio.file.Path;

/// How one side of an encrypted stream proves itself and checks its peer, with PEM files.
///
/// The files have the names that GnuTLS's tools, nbdkit, QEMU and libnbd use in a folder of
/// certificates: `ca-cert.pem`, `server-cert.pem` and `server-key.pem`, `client-cert.pem` and
/// `client-key.pem`.
///
/// @param authority the certificates that the peer's must be signed by; null for those that the
///     Java platform trusts (for clients), or for none (for servers: the client is not asked)
/// @param certificate this side's own, with its chain; null for a client without one
/// @param key the private key of that certificate: PKCS #8, PKCS #1 or SEC 1, not encrypted
/// @param verifyPeer for servers: whether a client must show a certificate; for clients: whether
///     the server's certificate is checked at all
/// @param hostName for clients: the name that the server's certificate must bear
public record TlsSettings(
        Path authority, Path certificate, Path key, boolean verifyPeer, String hostName) {

    /// The settings of a server whose certificates are in `folder`.
    public static TlsSettings ofServer(Path folder, boolean verifyClients) {
        return new TlsSettings(
                folder.resolve("ca-cert.pem"),
                folder.resolve("server-cert.pem"),
                folder.resolve("server-key.pem"),
                verifyClients,
                "");
    }

    /// The settings of a client whose certificates are in `folder`; the client's own are optional.
    ///
    /// @param folder null for the authorities of the Java platform and no certificate
    public static TlsSettings ofClient(Path folder, String hostName, boolean verifyServer) {
        if (folder == null) {
            return new TlsSettings(null, null, null, verifyServer, hostName);
        }
        Path certificate = folder.resolve("client-cert.pem");
        boolean own = certificate.toFile().exists();
        return new TlsSettings(
                folder.resolve("ca-cert.pem"),
                own ? certificate : null,
                own ? folder.resolve("client-key.pem") : null,
                verifyServer,
                hostName);
    }

    /// Looks at the files, so that what is wrong with them is said before the first peer comes.
    ///
    /// @throws IOException naming the file and the remedy
    public void check(boolean asClient) throws IOException {
        if (asClient) {
            TlsContexts.client(this);
        } else {
            TlsContexts.server(this);
        }
    }
}
