package org.unifiedvolume.transport;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads PEM files as certtool and openssl write them: certificates, and private keys in PKCS #8,
/// PKCS #1 (RFC 8017 §A.1.2) or SEC 1 (RFC 5915 §3).
///
/// Java knows keys in PKCS #8 only (RFC 5208 §5); the other two are what PKCS #8 wraps, so they are
/// given that wrapping.
final class PemFiles {
    private static final Pattern KEY =
            Pattern.compile(
                    "-----BEGIN ((?:RSA |EC |ENCRYPTED )?)PRIVATE KEY-----([A-Za-z0-9+/=\\s]*)-----END ");
    private static final String[] ALGORITHMS = {"RSA", "EC", "EdDSA", "RSASSA-PSS"};

    private static final int INTEGER = 0x02;
    private static final int OCTETS = 0x04;
    private static final int SEQUENCE = 0x30;
    private static final int PARAMETERS = 0xa0;
    private static final byte[] VERSION_0 = {INTEGER, 1, 0};

    /// `rsaEncryption`, 1.2.840.113549.1.1.1, and the NULL that is its parameter.
    private static final byte[] RSA = {
        6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 0x0d, 1, 1, 1, 5, 0
    };

    /// `id-ecPublicKey`, 1.2.840.10045.2.1; the curve follows.
    private static final byte[] EC = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};

    private PemFiles() {}

    /// The certificates in a file, in its order.
    ///
    /// @throws IOException naming the file
    static List<X509Certificate> certificates(Path file) throws IOException {
        try {
            List<X509Certificate> certificates =
                    CertificateFactory.getInstance("X.509")
                            .generateCertificates(
                                    new ByteArrayInputStream(Files.readAllBytes(file)))
                            .stream()
                            .map(PemFiles::asX509)
                            .toList();
            if (certificates.isEmpty()) {
                throw new IOException(file + " holds no certificate");
            }
            return certificates;
        } catch (CertificateException e) {
            throw new IOException(
                    "%s holds no certificate in PEM: %s".formatted(file, e.getMessage()), e);
        }
    }

    private static X509Certificate asX509(Certificate certificate) {
        return (X509Certificate) certificate;
    }

    /// The first private key in a file.
    ///
    /// @throws IOException naming the file and what is wrong with it
    static PrivateKey key(Path file) throws IOException {
        Matcher matcher = KEY.matcher(Files.readString(file, StandardCharsets.ISO_8859_1));
        if (!matcher.find()) {
            throw new IOException(file + " holds no private key in PEM");
        }
        byte[] content;
        try {
            content = Base64.getMimeDecoder().decode(matcher.group(2));
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " holds a damaged private key", e);
        }
        return switch (matcher.group(1).strip()) {
            case "" -> decode(file, content);
            case "RSA" -> decode(file, wrapped(RSA, content));
            case "EC" -> decode(file, wrapped(joined(EC, curve(file, content)), content));
            default ->
                    throw new IOException(
                            "%s is encrypted; write it again without a password, readable by its"
                                            .formatted(file)
                                    + " owner only");
        };
    }

    private static PrivateKey decode(Path file, byte[] pkcs8) throws IOException {
        InvalidKeySpecException last = null;
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm)
                        .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            } catch (InvalidKeySpecException e) {
                last = e;
            } catch (GeneralSecurityException e) {
                throw new IOException("this Java does not know " + algorithm, e);
            }
        }
        throw new IOException(
                "%s holds no private key that can be read; RSA, EC and Ed25519 can".formatted(file),
                last);
    }

    private static byte[] wrapped(byte[] algorithm, byte[] key) {
        return element(
                SEQUENCE, joined(VERSION_0, element(SEQUENCE, algorithm), element(OCTETS, key)));
    }

    /// The name of the curve in an `ECPrivateKey`: what its field `parameters` holds.
    private static byte[] curve(Path file, byte[] key) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(key);
        enter(file, in, SEQUENCE);
        skip(in, enter(file, in, INTEGER));
        skip(in, enter(file, in, OCTETS));
        byte[] curve = new byte[enter(file, in, PARAMETERS)];
        in.get(curve);
        return curve;
    }

    /// Reads a tag and the length behind it, which the rest of the buffer holds.
    private static int enter(Path file, ByteBuffer in, int tag) throws IOException {
        if (in.remaining() >= 2 && (in.get() & 0xff) == tag) {
            int length = in.get() & 0xff;
            if (length > 0x80 && length <= 0x82 && in.remaining() >= length - 0x80) {
                int bytes = length - 0x80;
                length = 0;
                for (int i = 0; i < bytes; i++) {
                    length = (length << 8) | (in.get() & 0xff);
                }
            }
            if (length <= in.remaining()) {
                return length;
            }
        }
        throw new IOException(
                "%s holds a private key whose curve has no name; write it in PKCS #8"
                        .formatted(file));
    }

    private static void skip(ByteBuffer in, int bytes) {
        in.position(in.position() + bytes);
    }

    private static byte[] element(int tag, byte[] content) {
        byte[] head =
                content.length < 0x80
                        ? new byte[] {(byte) tag, (byte) content.length}
                        : content.length < 0x100
                                ? new byte[] {(byte) tag, (byte) 0x81, (byte) content.length}
                                : new byte[] {
                                    (byte) tag,
                                    (byte) 0x82,
                                    (byte) (content.length >> 8),
                                    (byte) content.length
                                };
        return joined(head, content);
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        Arrays.asList(parts).forEach(all::writeBytes);
        return all.toByteArray();
    }
}
