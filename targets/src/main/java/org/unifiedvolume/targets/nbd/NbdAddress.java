package org.unifiedvolume.targets.nbd;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// What an NBD URI names, for members and exports alike
/// (<https://github.com/NetworkBlockDevice/nbd>, `doc/uri.md`): `nbd://host[:port]/name`,
/// `nbd+unix:///name?socket=/path`, and the same with `nbds` for TLS.
///
/// @param host a name or a literal address; empty for a Unix socket
/// @param port the TCP port
/// @param socket the path of a Unix socket; null for TCP
/// @param exportName the export's name; may be empty
/// @param encrypted whether TLS is required
public record NbdAddress(String host, int port, Path socket, String exportName, boolean encrypted) {
    public static final Set<String> SCHEMES = Set.of("nbd", "nbds", "nbd+unix", "nbds+unix");

    private static final Pattern AUTHORITY =
            Pattern.compile(
                    "(\\[[0-9a-fA-F:.]+(?:%[a-zA-Z0-9]+)?\\]|[^:\\[\\]]*)(?::([0-9]{1,5}))?");

    /// Reads the parts of a URI that say where and what.
    ///
    /// @throws ConfigFault naming the part that is wrong
    public static NbdAddress of(DeviceUri uri) throws ConfigFault {
        boolean encrypted = uri.scheme().startsWith("nbds");
        String name = uri.path().startsWith("/") ? uri.path().substring(1) : uri.path();
        if (name.getBytes(StandardCharsets.UTF_8).length > Nbd.MAX_STRING_BYTES) {
            throw uri.fault("has a name that is too long", "names have at most 4096 bytes");
        }
        Path socket = uri.pathOption("socket");
        if (uri.scheme().endsWith("+unix")) {
            if (socket == null) {
                throw uri.fault("names no socket", "add ?socket=/path/to/socket");
            }
            if (!uri.authority().isEmpty()) {
                throw uri.fault(
                        "names a host and a socket",
                        "write three slashes: nbd+unix:///name?socket=…");
            }
            return new NbdAddress("", 0, socket, name, encrypted);
        }
        if (socket != null) {
            throw uri.fault("has a socket, but is for TCP", "write nbd+unix:///name?socket=…");
        }
        Matcher matcher = AUTHORITY.matcher(uri.authority());
        if (!matcher.matches() || matcher.group(1).isEmpty()) {
            throw uri.fault("names no host", "write nbd://host:10809/name");
        }
        String host = matcher.group(1).replaceAll("[\\[\\]]", "");
        int port = matcher.group(2) == null ? Nbd.DEFAULT_PORT : Integer.parseInt(matcher.group(2));
        if (port > 65_535) {
            throw uri.fault("has port " + port, "ports end at 65535");
        }
        return new NbdAddress(host, port, null, name, encrypted);
    }

    /// The address to dial or to listen on. Asks the name service; blocks.
    ///
    /// @throws UnknownHostException if the host's name is not known
    public SocketAddress resolve() throws UnknownHostException {
        if (socket != null) {
            return UnixDomainSocketAddress.of(socket);
        }
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (UnknownHostException e) {
            throw new UnknownHostException("the host name " + host + " is not known");
        }
    }

    /// Where, without what: `host:port` or the socket's path.
    public String where() {
        return socket != null
                ? socket.toString()
                : (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }

    /// The URI with another export's name and port, for messages and lists.
    public String uri(String otherName, int otherPort) {
        String scheme = encrypted ? "nbds" : "nbd";
        String name = escaped(otherName);
        if (socket != null) {
            return "%s+unix:///%s?socket=%s".formatted(scheme, name, escaped(socket.toString()));
        }
        String shown = host.contains(":") ? "[" + host + "]" : host;
        return otherPort == Nbd.DEFAULT_PORT
                ? "%s://%s/%s".formatted(scheme, shown, name)
                : "%s://%s:%d/%s".formatted(scheme, shown, otherPort, name);
    }

    /// Escapes what would not be read back as a part of a URI, or would not be seen.
    private static String escaped(String part) {
        StringBuilder result = new StringBuilder();
        for (byte b : part.getBytes(StandardCharsets.UTF_8)) {
            if (b <= ' ' || b == '%' || b == '?' || b == '&' || b == '#' || b == 0x7f) {
                result.append("%%%02x".formatted(b));
            } else {
                result.append((char) b);
            }
        }
        return result.toString();
    }
}
